import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import type { Sink } from './surroundings.js';

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
const codes: Record<Colour, [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Puts colour on a text, or leaves it as it is where colour is off. */
export type Paint = (colour: Colour, text: string) => string;

/** Whether colour is welcome (no-color.org, clig.dev): only on a terminal, and only where nobody said no. */
export function paintFor(sink: Sink, env: Readonly<Record<string, string | undefined>>, wanted: boolean): Paint {
  const on = wanted && sink.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return (colour, text) => {
    const [start, end] = codes[colour];
    return on ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  };
}

/** A text from outside (a commit message, a log, a name) without anything a terminal would obey. */
export function tame(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');
}

/** The same on one line, cut to a length. */
export function oneLine(text: string, most = 200): string {
  const line = tame(text).replaceAll(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** As JSON.stringify, and what a terminal would obey beyond what that escapes is escaped, too: a person may look at it. */
function plainJson(value: unknown, indent?: number): string {
  const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, null, indent).replaceAll(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, escaped);
}

/** Where results go: data on standard output, words about it on standard error. */
export class Output {
  readonly paint: Paint;
  readonly paintNote: Paint;

  constructor(
    private readonly stdout: Sink,
    private readonly stderr: Sink,
    readonly options: { json: boolean; quiet: boolean; colour: boolean; env: Readonly<Record<string, string | undefined>> },
  ) {
    this.paint = paintFor(stdout, options.env, options.colour);
    this.paintNote = paintFor(stderr, options.env, options.colour);
  }

  get json(): boolean {
    return this.options.json;
  }

  /** Whether a person looks at standard output. */
  get live(): boolean {
    return this.stdout.isTerminal && !this.options.json;
  }

  /** Characters in a line of the terminal. */
  get columns(): number {
    return this.stdout.columns ?? 120;
  }

  /** Data as it is: no new line is added. */
  raw(text: string): void {
    this.stdout.write(text);
  }

  /** A line of data for people. */
  line(text = ''): void {
    this.stdout.write(`${text}\n`);
  }

  /** Data for programs: one JSON document. */
  document(value: unknown): void {
    this.stdout.write(`${plainJson(value, 2)}\n`);
  }

  /** Data for programs: one JSON value a line, as it comes. */
  record(value: unknown): void {
    this.stdout.write(`${plainJson(value)}\n`);
  }

  /** `value` for programs, or what `forPeople` writes. */
  either(value: unknown, forPeople: () => void): void {
    if (this.options.json) this.document(value);
    else forPeople();
  }

  /** What is going on, or what to do next: standard error, and nothing when `--quiet`. */
  note(text: string): void {
    if (!this.options.quiet) this.stderr.write(`${text}\n`);
  }

  /** What must be said even when `--quiet`. */
  warn(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** A table without lines: columns line up, also for Chinese names, and `cut` and `awk` can read it. */
  table(head: readonly string[], rows: readonly (readonly string[])[], whenEmpty: string): void {
    if (rows.length === 0) {
      this.note(whenEmpty);
      return;
    }
    const table = new Table({
      head: head.map((title) => this.paint('bold', title)),
      chars: Object.fromEntries(borders.map((name) => [name, ''])),
      style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
    });
    table.push(
      ...rows.map((row) =>
        row.map((cell) =>
          cell
            .split('\n')
            .map((each) => each.trimEnd())
            .join('\n'),
        ),
      ),
    );
    for (const line of table.toString().split('\n')) this.line(line.trimEnd());
  }

  /** Names and values, one a line; values that are undefined are left out. */
  fields(pairs: readonly (readonly [string, string | undefined])[]): void {
    const given = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
    const width = Math.max(...given.map(([name]) => name.length));
    for (const [name, value] of given) {
      const [first = '', ...rest] = value.split('\n');
      this.line(`${this.paint('dim', name.padEnd(width))}  ${first}`.trimEnd());
      for (const line of rest) this.line(`${' '.repeat(width)}  ${line}`.trimEnd());
    }
  }
}

const borders = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
] as const;
