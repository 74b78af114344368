import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Terminal } from '../../apps/cli/src/a-terminal.fixture.js';

const root = join(import.meta.dirname, '../..');
const folder = (path: string) => readdirSync(join(root, path)).map((name) => `${path}/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', ...folder('docs/guides'), ...folder('docs/adr')].filter((path) => path.endsWith('.md'));
const text = (path: string) => readFileSync(join(root, path), 'utf8');

/** Every command line of ours on a page, up to where the shell or a comment goes on. */
function commandsOf(page: string): string[] {
  const lines = [...text(page).matchAll(/npx slipway ([a-z][^\n`#|&<>;]*)/g)].map(([, words = '']) => words.trim());
  return [...new Set(lines)];
}

/** A noun, a verb or both come first and are plain words; what follows is the person's own. */
const verbOf = (line: string) => /^[a-z][a-z-]*(?: [a-z][a-z-]*)?(?= |$)/.exec(line)?.[0].split(' ') ?? [];
const optionsOf = (line: string) => line.match(/(?<=\s)--[a-z-]+/g) ?? [];

describe('what people read', () => {
  it.each(pages)('%s leads to files that are there', (page) => {
    const links = [...text(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([]);
  });

  it.each(pages.filter((page) => commandsOf(page).length > 0))('%s names commands and options that there are', async (page) => {
    const terminal = new Terminal();
    const unknown: string[] = [];
    for (const line of commandsOf(page)) {
      const { exit, out } = await terminal.run([...verbOf(line), '--help']);
      const isVerb = out.includes(`Usage: slipway ${verbOf(line)[0]}`) && !out.includes('Usage: slipway <');
      const isWhole = !/\nCommands:\n/.test(out);
      if (exit !== 0 || !isVerb || !isWhole || optionsOf(line).some((option) => !out.includes(option))) unknown.push(line);
    }
    terminal.clear();
    expect(unknown).toEqual([]);
  });
});
