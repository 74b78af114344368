import { gunzipSync } from 'node:zlib';
import { formsOf, isMade } from '../attack/canary.ts';
import { placeOf } from './facts.ts';
import type { History, Row } from './history.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/**
 * 7. No secret: a canary stands in no record, table, container, image, log, page or list of processes that was read, neither as it is nor in base64, hex,
 * URL encoding or JSON.
 */
export const noSecret: Examination = (history) => {
  const findings = new Findings();
  // A part is asked for only of canaries made for it: the secret files of a run begin as other files do.
  const canaries = history.about.canaries.map((canary) => ({
    canary,
    forms: formsOf(canary.value).filter(({ how }) => how !== 'in part' || isMade(canary)),
  }));
  findings.count('canaries', canaries.length);
  if (canaries.length === 0) findings.cannot('no canary was planted');
  let bytes = 0;
  for (const { what, where, text, release } of textsOf(history)) {
    findings.count(what);
    bytes += text.length;
    for (const { canary, forms } of canaries) {
      const form = forms.find((each) => text.includes(each.text));
      if (form) findings.breach(release, `the secret ${canary.name} stands ${form.how} in ${where}`, [where]);
    }
  }
  findings.count('kB', Math.round(bytes / 1000));
  return findings.end([
    ...['records', 'rows', 'inspections of Docker', 'manifests', 'blobs of images', 'answers'],
    ...['logs', 'pages', 'lists of processes'],
  ]);
};

const kinds = { log: 'logs', layer: 'blobs of images', page: 'pages', process: 'lists of processes', other: 'other texts' } as const;

interface Found {
  readonly what: string;
  readonly where: string;
  readonly text: string;
  readonly release: string | null;
}

function* textsOf(history: History): Generator<Found> {
  for (const record of history.records) {
    const text = `${JSON.stringify(record.headers)}\n${record.value?.toString('utf8') ?? ''}`;
    yield { what: 'records', where: `the record ${placeOf(record)}`, text, release: record.headers['ce_correlationid'] ?? null };
  }
  for (const { service, name, rows } of history.tables) {
    for (const row of rows)
      yield {
        what: 'rows',
        where: `a row of ${service}.${name}`,
        text: textOf(row),
        release: typeof row['release'] === 'string' ? row['release'] : null,
      };
  }
  for (const { where, text } of history.docker.inspections) yield { what: 'inspections of Docker', where, text, release: null };
  for (const { repository, tag, body } of history.registry.manifests)
    yield { what: 'manifests', where: `${repository}:${tag}`, text: body, release: null };
  for (const seen of history.seen)
    yield {
      what: 'answer' in seen ? 'answers' : 'pushes and deliveries',
      where: `an answer about ${seen.kind}`,
      text: JSON.stringify(seen),
      release: null,
    };
  for (const { is, where, text } of history.texts)
    yield { what: is === 'page' && where.includes('/api/v1/') ? 'answers' : kinds[is ?? 'other'], where, text, release: null };
}

/** A row with what it holds as bytes, unpacked where it was packed. */
function textOf(row: Row): string {
  const bytes = Object.values(row).flatMap((value) =>
    typeof value === 'string' && value.startsWith('\\x') ? [unpacked(Buffer.from(value.slice(2), 'hex'))] : [],
  );
  const kept = Object.entries(row).flatMap(([name, value]) =>
    name.endsWith('_base64') ? [Buffer.from(String(value), 'base64').toString('latin1')] : [],
  );
  return [JSON.stringify(row), ...bytes, ...kept].join('\n');
}

function unpacked(bytes: Buffer): string {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('latin1');
  try {
    return gunzipSync(bytes).toString('utf8');
  } catch {
    return bytes.toString('latin1');
  }
}
