import { isAlias, isCollection, isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { ApiProblem, type WrongField } from '../api-problem.js';

/** A file as it was sent: its content, and where each field stands in it. */
export interface Sent {
  readonly value: unknown;
  locate(path: readonly PropertyKey[]): Pick<WrongField, 'line' | 'column'>;
}

/** More aliases than any honest file has, fewer than a bomb needs. */
const mostAliases = 100;
/** Deeper than any file of ours goes; a parser that walks down further only serves whoever wants it to hang. */
const mostDepth = 60;

/**
 * Reads YAML, and JSON as the YAML it is. Throws a 400 problem naming line and column where it cannot be read at all.
 */
export function readFile(text: string): Sent {
  if (goesTooDeep(text)) throw new ApiProblem(400, `The file nests deeper than ${mostDepth} levels.`, { code: 'unreadable-file' });
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true, version: '1.2' });
    const errors = [...document.errors, ...document.warnings].slice(0, 20).map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      return { field: '', message: message.split('\n', 1)[0] ?? message, line, column: col };
    });
    if (errors.length > 0)
      throw new ApiProblem(400, 'The file cannot be read.', { title: 'The file is not YAML', code: 'unreadable-file', errors });
    const value: unknown = document.toJS({ maxAliasCount: mostAliases });
    return { value, locate: (path) => place(document.contents, path, lines) };
  } catch (error) {
    if (error instanceof ApiProblem) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ApiProblem(400, `The file cannot be read: ${message.slice(0, 200)}`, { code: 'unreadable-file' });
  }
}

/** The wrong fields of a file with their lines; unknown keys stand where they stand, missing ones where their parent does. */
export function wrongFields(error: z.ZodError, locate: Sent['locate']): WrongField[] {
  return error.issues.slice(0, 100).flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => {
      const path = key === undefined ? issue.path : [...issue.path, key];
      const message = key === undefined ? issue.message : 'is no field that is known here: remove it, or correct its name';
      return { field: path.map(String).join('.'), message, ...locate(path) };
    });
  });
}

/** Walks down as far as the file goes; `yaml` gives each node its range. */
function place(root: unknown, path: readonly PropertyKey[], lines: LineCounter): Pick<WrongField, 'line' | 'column'> {
  let node: unknown = root;
  let at = offsetOf(root);
  for (const key of path) {
    if (isAlias(node) || !isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(
        (each) => isPair(each) && String(isNode(each.key) && 'value' in each.key ? each.key.value : each.key) === String(key),
      );
      if (!pair) break;
      at = offsetOf(pair.key) ?? at;
      node = pair.value;
    } else {
      node = node.items[Number(key)];
      at = offsetOf(node) ?? at;
    }
  }
  if (at === undefined) return {};
  const { line, col } = lines.linePos(at);
  return { line, column: col };
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** Counts brackets without looking at quotes: nobody's text opens sixty more than it closes. Block lists may nest on one line too. */
function goesTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth++;
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > mostDepth) return true;
  }
  return /(?:[-?:][ \t]+){60}/.test(text);
}
