import { catalog } from '@slipway/contracts';

/** A source of the house: where it is from the root, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

const mostLines = { source: 250, spec: 400 };
const banned = ['utils', 'util', 'common', 'helpers', 'helper', 'shared', 'core', 'misc', 'lib'];
const roles = [
  'module',
  'controller',
  'table',
  'config',
  'metrics',
  'example',
  'fixture',
  'contract',
  'spec',
  'int.spec',
  'long.spec',
  'e2e.spec',
  'model.spec',
  'faults.spec',
  'attack.spec',
  'upgrade.spec',
  'demo.spec',
  'd',
];
const handlers = new Set([...catalog.keys()].map((name) => `on-${name.replaceAll('.', '-')}`));

/** What is wrong with the name and the shape of a source, as sentences (design part 2, brief of every service). */
export function faultsOfSource({ path, text }: Source): string[] {
  return [...faultsOfName(path), ...faultsOfShape(path, text), ...(isTest(path) ? faultsOfTest(path, text) : [])];
}

/** The services whose handlers hear of more than one event at once may say so in the name. */
const general = /^on-(any|every)-event$/;

function faultsOfName(path: string): string[] {
  const faults: string[] = [];
  const folders = path.split('/').slice(0, -1);
  const file = path.split('/').at(-1) ?? '';
  const [, stem = '', role] = /^([^.]*)(?:\.(.*))?\.[cm]?[tj]sx?$/.exec(file) ?? [];
  for (const word of [...folders.slice(1), stem]) {
    if (banned.includes(word)) faults.push(`${path}: "${word}" names no purpose; name it by what it gives.`);
  }
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) && !/^\d+-[a-z0-9-]+$/.test(stem)) faults.push(`${path}: file names are kebab-case.`);
  if (role && !roles.includes(role)) faults.push(`${path}: ".${role}" is no role a file may have; ${roles.join(', ')} are.`);
  if (/^apps\/[^/]+\/src\/on-/.test(path) && !role && !handlers.has(stem) && !general.test(stem))
    faults.push(`${path}: a handler is named for the event it reacts to; there is no such event.`);
  return faults;
}

function faultsOfShape(path: string, text: string): string[] {
  const faults: string[] = [];
  const lines = text.split('\n').length - 1;
  const most = isTest(path) ? mostLines.spec : mostLines.source;
  if (lines > most && !path.includes('/migrations/')) faults.push(`${path}: ${lines} lines; at most ${most}. Split it by purpose.`);
  if (/^export default (?!async function setup|defineConfig)/m.test(text)) faults.push(`${path}: named exports only.`);
  if (/(?:\/\/|\*)\s*(?:TODO|FIXME|XXX)\b/.test(text)) faults.push(`${path}: a TODO is an issue, not a comment.`);
  return faults;
}

/** No mock of our own code, no sleep: a test waits for a condition with a deadline (`eventually`). */
function faultsOfTest(path: string, text: string): string[] {
  const faults: string[] = [];
  if (/\bvi\s*\.\s*(?:mock|doMock|spyOn|hoisted|stubGlobal)\b/.test(text))
    faults.push(`${path}: mocks our own code; use the real part, or an adapter that passes the port's contract.`);
  const sleeps = /new Promise[^;]{0,120}\bsetTimeout\(\s*\w+\s*,|await\s+(?:sleep|delay|setTimeout|wait|pause)\(\s*[\d_]+/.test(text);
  if (sleeps) faults.push(`${path}: sleeps; wait for a condition with eventually().`);
  if (/\b(?:it|test|describe)\s*\.\s*(?:only|skip|todo)\b(?!If)/.test(text)) faults.push(`${path}: leaves tests out.`);
  return faults;
}

function isTest(path: string): boolean {
  return /\.(spec|contract)\.ts$/.test(path);
}
