import { describe, expect, it } from 'vitest';
import { Output } from './output.js';

describe('data for programs', () => {
  it('hold nothing that a terminal would obey, and say the same', () => {
    const said = { title: '\u009b2J\u001b[2J\u202ekcab\u2066\u007f', 'key \u0085': 1 };
    const written: string[] = [];
    const sink = { isTerminal: true, columns: undefined, write: (text: string) => void written.push(text) };
    const output = new Output(sink, sink, { json: true, quiet: false, colour: false, env: {} });
    output.document(said);
    output.record(said);
    for (const text of written) {
      expect(text).not.toMatch(/[^\P{C}\n]/u);
      expect(JSON.parse(text)).toEqual(said);
    }
    expect(written).toHaveLength(2);
  });
});
