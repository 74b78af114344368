import { ProjectFile, TargetFile } from '@slipway/contracts';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseAllDocuments } from 'yaml';
import type { z } from 'zod';

/** Where in a file, counted from one as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something wrong in a file: `project.yaml:12:5: spec.app.port: …`. */
export interface Fault extends Place {
  readonly file: string;
  /** The field by its path; empty for the document itself. */
  readonly field: string;
  readonly message: string;
}

/** A document that can be sent. */
export interface Applicable {
  readonly kind: 'Project' | 'Target';
  readonly name: string;
  readonly file: string;
  /** The document as written, defaults not filled in: the gateway does that. */
  readonly body: unknown;
  /** Where a field stands, or the nearest thing around it. */
  place(path: readonly PropertyKey[]): Place;
}

const schemas = { Project: ProjectFile, Target: TargetFile } as const;
type Kind = keyof typeof schemas;
/** More than this in one file is no project file. */
const largest = 1024 * 1024;

/** Reads the documents of a file (YAML or JSON, several separated by `---`) and checks them by the schemas the gateway uses. */
export function readDocuments(file: string, text: string): { documents: Applicable[]; faults: Fault[] } {
  if (text.length > largest)
    return {
      documents: [],
      faults: [{ file, line: 1, column: 1, field: '', message: `more than ${largest} characters; this is no project file` }],
    };
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents: Applicable[] = [];
  const faults: Fault[] = [];
  for (const document of 'empty' in parsed ? [] : parsed) {
    if (isEmpty(document)) continue;
    const read = readDocument(file, document, lines);
    if ('kind' in read) documents.push(read);
    else faults.push(...read.faults);
  }
  return { documents, faults };
}

function isEmpty({ contents, errors }: Document): boolean {
  return errors.length === 0 && (contents === null || (isScalar(contents) && contents.value === null));
}

function readDocument(file: string, document: Document, lines: LineCounter): Applicable | { faults: Fault[] } {
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0)
    return { faults: document.errors.map((error) => ({ file, ...at(error.pos[0]), field: '', message: error.message })) };
  const place = (path: readonly PropertyKey[]): Place => at(offsetOf(document, path));
  let body: unknown;
  try {
    body = document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    return { faults: [{ file, ...place([]), field: '', message: (error as Error).message }] };
  }
  const kind = (body as { kind?: unknown } | null)?.kind;
  if (!isKind(kind)) {
    const message =
      kind === undefined
        ? 'say what it is: kind: Project, or kind: Target'
        : `${JSON.stringify(kind)} is nothing that can be applied; Project and Target are`;
    return { faults: [{ file, ...place(['kind']), field: 'kind', message }] };
  }
  const checked = schemas[kind].safeParse(body);
  if (!checked.success)
    return {
      faults: checked.error.issues.flatMap((issue) =>
        faultsOf(issue, []).map(({ path, message }) => ({ file, ...place(path), field: fieldOf(path), message })),
      ),
    };
  return { kind, name: checked.data.metadata.name, file, body, place };
}

function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(schemas, kind);
}

type Wrong = { readonly path: readonly PropertyKey[]; readonly message: string };

/** An issue of zod as people want it: each unknown key at its own place, of a choice what the nearest alternative lacks. */
function faultsOf(issue: z.core.$ZodIssue, around: readonly PropertyKey[]): Wrong[] {
  const path = [...around, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: `there is no such field; is it misspelt?` }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [nearest] = [...issue.errors].sort((one, other) => weight(one) - weight(other));
    return (nearest ?? []).flatMap((inner) => faultsOf(inner, path));
  }
  return [
    {
      path,
      message:
        issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message)
          ? `is missing: ${issue.message}`
          : issue.message,
    },
  ];
}

/** The alternative meant is the one with the fewest faults; an unknown key tells most against it. */
const weight = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 * issue.keys.length : 1), 0);

/** `spec.environments[1].app.port`. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');
}

/** The path of a field the gateway names: `spec.environments.1.app` and `spec.environments[1].app` alike. */
export function pathOf(field: string): PropertyKey[] {
  return field
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Where a field begins (its key, or the list's element); of a missing one, what it is missing from. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? document.range?.[0] ?? 0;
  for (const part of path) {
    const pair = isMap(node)
      ? node.items.find((each) => isPair(each) && isScalar(each.key) && String(each.key.value) === String(part))
      : undefined;
    const next: unknown = pair
      ? pair.value
      : isNode(node) && 'get' in node
        ? (node as { get(key: unknown, keep: true): unknown }).get(part, true)
        : undefined;
    const start = startOf(pair?.key) ?? startOf(next);
    if (start === undefined) return offset;
    offset = start;
    node = next;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? ((node as Node).range?.[0] ?? undefined) : undefined;
}
