import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '@slipway/api';
import { type Cli, several, verb } from '../command-line.js';
import { type Applicable, type Fault, fieldOf, pathOf, readDocuments } from '../documents.js';
import { exitCodes, Misused } from '../exit.js';
import type { Session } from '../session.js';

interface Options {
  filename: string[];
  dryRun?: boolean;
  reason?: string;
}

/** What became of one document. */
interface Applied {
  kind: string;
  name: string;
  file: string;
  outcome: 'applied' | 'unchanged' | 'would-change' | 'refused';
  version: number | null;
  message?: string;
  errors?: readonly Fault[];
}

/** `slipway apply`: project and target files, checked here with line and column before anything is sent. */
export function applyCommand(cli: Cli): void {
  verb(cli.program, 'apply', 'Bring projects and targets in from files', [
    'apply -f project.yaml',
    'apply -f slipway/ --dry-run',
    'apply -f project.yaml --reason "two instances more"',
    'apply -f - < project.yaml',
  ])
    .requiredOption(
      '-f, --filename <path>',
      'a file, a folder (its *.yaml, *.yml and *.json), or - for standard input; several times',
      several,
    )
    .option('-n, --dry-run', 'ask the gateway whether it would take it; change nothing')
    .option('-r, --reason <text>', 'why; it becomes part of the record')
    .action(cli.does(apply));
}

async function apply(session: Session, options: Options) {
  const { documents, faults } = await readAll(session, options.filename);
  faults.push(...twice(documents));
  if (faults.length > 0) return invalid(session, faults);
  if (documents.length === 0) throw new Misused(`there is no document in ${options.filename.join(', ')}`);
  // Targets first: a project that names one the gateway does not know would be refused.
  const ordered = documents.toSorted((one, other) => Number(one.kind === 'Project') - Number(other.kind === 'Project'));
  const applied: Applied[] = [];
  for (const document of ordered) {
    applied.push(await send(session, document, options));
    if (!session.out.json) tell(session, applied.at(-1) as Applied);
  }
  if (session.out.json) session.out.document({ dryRun: options.dryRun ?? false, items: applied });
  return applied.some(({ outcome }) => outcome === 'refused') ? exitCodes.failed : exitCodes.ok;
}

async function readAll(session: Session, paths: readonly string[]): Promise<{ documents: Applicable[]; faults: Fault[] }> {
  if (paths.filter((path) => path === '-').length > 1) throw new Misused('-f - can be given once only: standard input is read once');
  const read = [];
  for (const path of paths) {
    if (path === '-') read.push(readDocuments('standard input', await session.around.stdin.read()));
    else for (const file of await filesAt(path)) read.push(readDocuments(file, await readFile(file, 'utf8')));
  }
  return { documents: read.flatMap(({ documents }) => documents), faults: read.flatMap(({ faults }) => faults) };
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Misused(error.code === 'ENOENT' ? `${path}: there is no such file or folder` : `${path}: ${error.message}`);
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  if (names.length === 0) throw new Misused(`${path}: no *.yaml, *.yml or *.json in this folder`);
  return names.map((name) => join(path, name));
}

function twice(documents: readonly Applicable[]): Fault[] {
  return documents.flatMap((document, index) => {
    const earlier = documents.slice(0, index).find((each) => each.kind === document.kind && each.name === document.name);
    if (!earlier) return [];
    const { line } = earlier.place([]);
    const message = `${document.kind} ${document.name} stands in ${earlier.file}:${line} already`;
    return [{ file: document.file, ...document.place(['metadata', 'name']), field: 'metadata.name', message }];
  });
}

function invalid(session: Session, faults: readonly Fault[]) {
  if (session.out.json) session.out.document({ items: [], errors: faults });
  else for (const fault of faults) session.out.warn(lineOf(fault));
  session.out.note(`nothing was sent: ${faults.length === 1 ? 'one thing is' : `${faults.length} things are`} to be mended first`);
  return exitCodes.failed;
}

function lineOf({ file, line, column, field, message }: Fault): string {
  return `${file}:${line}:${column}: ${field === '' ? '' : `${field}: `}${message}`;
}

async function send(session: Session, document: Applicable, { dryRun = false, reason }: Options): Promise<Applied> {
  const { kind, name, file, body } = document;
  const api = await session.api();
  const dry = dryRun ? { 'dry-run': 'true' as const } : {};
  try {
    const call = { params: { name }, body };
    const said =
      kind === 'Project'
        ? await api.applyProject({ ...call, query: { ...dry, ...(reason === undefined ? {} : { reason }) } })
        : await api.applyTarget({ ...call, query: dry });
    return { kind, name, file, outcome: said.changed ? (dryRun ? 'would-change' : 'applied') : 'unchanged', version: said.version };
  } catch (error) {
    // What is the same for every document (no token, no gateway) is no answer to this one.
    if (!(error instanceof ApiError) || error.problem.status === 401 || error.problem.status >= 500) throw error;
    return { kind, name, file, outcome: 'refused', version: null, ...said(document, error) };
  }
}

/** The gateway names fields; where they stand is known here. */
function said(document: Applicable, { problem }: ApiError): { message: string; errors: Fault[] } {
  const errors = (problem.errors ?? []).map(({ field, message }) => {
    const path = pathOf(field);
    return { file: document.file, ...document.place(path), field: fieldOf(path), message };
  });
  return { message: [problem.title, problem.detail].filter(Boolean).join(': '), errors };
}

function tell({ out }: Session, { kind, name, outcome, version, message, errors = [], file }: Applied): void {
  const what = `${kind.toLowerCase()} ${name}`;
  if (outcome === 'refused') {
    for (const fault of errors) out.warn(lineOf(fault));
    if (errors.length === 0) out.warn(`${file}: ${message}`);
    out.warn(`${what} ${out.paintNote('red', 'refused')}: ${message}`);
    return;
  }
  const words = { applied: 'applied', unchanged: 'unchanged', 'would-change': 'would change (dry run)' } as const;
  out.line(
    `${what} ${out.paint(outcome === 'unchanged' ? 'dim' : 'green', words[outcome])}${version === null ? '' : `, version ${version}`}`,
  );
}
