import { XMLParser } from 'fast-xml-parser';
import { clip, parseIdentity, toUtc } from '../git/git-log.js';
import type { CommitRecord } from '../source-control.js';
import { SourceError } from '../source-error.js';

/** What `svn info --xml` tells about one url. */
export interface SvnInfo {
  readonly url: string;
  readonly uuid: string;
  readonly root: string;
  /** Newest revision of the repository. */
  readonly newest: number;
  /** Newest revision in which this folder or anything below it changed. */
  readonly changed: number;
  readonly folder: boolean;
}

export interface SvnLogEntry extends CommitRecord {
  readonly paths: readonly {
    readonly path: string;
    readonly action: string;
    readonly copiedFrom: { readonly path: string; readonly revision: number } | undefined;
  }[];
}

type Node = { [name: string]: unknown };

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  textNodeName: 'text',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  isArray: (name) => ['entry', 'logentry', 'path', 'list'].includes(name),
});

/** svn itself writes no document type; one in its output could only be there to declare entities. */
function parse(xml: Buffer): Node {
  const text = xml.toString('utf8');
  if (/<!(DOCTYPE|ENTITY)/i.test(text.slice(0, 2_000))) throw new SourceError('errored', 'svn answered XML with a document type');
  try {
    return parser.parse(text) as Node;
  } catch (cause) {
    throw new SourceError('errored', 'svn answered what is not XML', { cause });
  }
}

export function parseInfo(xml: Buffer): SvnInfo[] {
  return nodes(node(parse(xml)['info'])['entry']).map((entry) => {
    const repository = node(entry['repository']);
    return {
      url: text(entry['url']),
      uuid: text(repository['uuid']),
      root: text(repository['root']),
      newest: Number(text(entry['revision'])),
      changed: Number(text(node(entry['commit'])['revision'])),
      folder: text(entry['kind']) === 'dir',
    };
  });
}

/** The folders right below the one listed, and when each last changed. */
export function parseList(xml: Buffer): { name: string; changed: number }[] {
  const entries = nodes(node(parse(xml)['lists'])['list']).flatMap((list) => nodes(list['entry']));
  return entries
    .filter((entry) => text(entry['kind']) === 'dir')
    .map((entry) => ({ name: text(entry['name']), changed: Number(text(node(entry['commit'])['revision'])) }));
}

/** Every revision told of, what it merged right behind it. */
export function parseLogXml(xml: Buffer): SvnLogEntry[] {
  return entriesIn(node(parse(xml)['log']));
}

function entriesIn(within: Node): SvnLogEntry[] {
  return nodes(within['logentry']).flatMap((entry) => [entryOf(entry), ...entriesIn(entry)]);
}

function entryOf(entry: Node): SvnLogEntry {
  const author = text(entry['author']);
  const message = text(entry['msg']);
  return {
    revision: text(entry['revision']),
    parents: [],
    author: authorOf(author),
    committer: null,
    coAuthors: coAuthors(message),
    message: clip(message.trimEnd(), 4000),
    time: toUtc(text(entry['date'])),
    paths: nodes(node(entry['paths'])['path']).map((path) => ({
      path: text(path),
      action: text(path['action']),
      copiedFrom: copiedFrom(path),
    })),
  };
}

/** What differs: files, and folders whose properties do. */
export function parseDiffSummary(xml: Buffer): string[] {
  const paths = nodes(node(node(parse(xml)['diff'])['paths'])['path']);
  return paths.filter((path) => text(path['kind']) !== 'dir' || text(path['props']) === 'modified').map((path) => text(path));
}

/** A commit without author is anonymous; a name nobody has keeps rules about authors from letting it pass. */
function authorOf(author: string): CommitRecord['author'] {
  const identity = author ? parseIdentity(author) : undefined;
  return identity ? { ...identity, account: author } : { name: '(no author)', email: null };
}

function copiedFrom(path: Node): { path: string; revision: number } | undefined {
  return path['copyfrom-path'] === undefined
    ? undefined
    : { path: text(path['copyfrom-path']), revision: Number(text(path['copyfrom-rev'])) };
}

function coAuthors(message: string) {
  const found = [...message.matchAll(/^co-authored-by:[ \t]*(.+)$/gim)].map((match) => parseIdentity(match[1] ?? ''));
  return found.filter((identity) => identity !== undefined);
}

function node(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {};
}

function nodes(value: unknown): Node[] {
  if (!Array.isArray(value)) return value === undefined ? [] : [asNode(value)];
  return value.map(asNode);
}

function asNode(value: unknown): Node {
  return typeof value === 'string' ? { text: value } : node(value);
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const inner = node(value)['text'];
  return typeof inner === 'string' ? inner : '';
}
