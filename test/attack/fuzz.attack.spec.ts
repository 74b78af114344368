import { eventually } from '@slipway/testkit';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { stringify } from 'yaml';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { seed } from './seed.ts';
import { type AttackedProject, aProject, aProjectFileOf, call, keepSecret, signedAsGitHub } from './world.ts';

const secret = 'a-secret-of-the-fuzzer';
let project: AttackedProject & { drop(): Promise<void> };

beforeAll(async () => {
  const on = attacked();
  const name = `attack-${v7().slice(-8)}`;
  await keepSecret(on, 'source-watcher', name, 'webhook', secret);
  project = await aProject(on, {}, name);
  await project.request(1);
  await project.apply({ source: { git: { url: project.repository.url, poll: '1h', webhook: 'github' } } });
  const told = () => call(on, `/webhooks/github/${name}`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  await eventually(async () => expect((await told()).status).toBe(401));
}, 120_000);
afterAll(() => project?.drop());

/** Statuses that came, and how often. */
class Tally {
  private readonly counts = new Map<number, number>();

  /** Counts it. @throws where the server broke: 5xx but for 503, which says that a part is away. */
  take(status: number, what: () => string): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
    expect(status >= 500 && status !== 503 ? `${status}: ${what()}` : '').toBe('');
  }

  toString(): string {
    return [...this.counts]
      .toSorted(([one], [other]) => one - other)
      .map(([status, count]) => `${count} times ${status}`)
      .join(', ');
  }
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', '\u0000', '\ud800', '__proto__', '../..', '<img onerror=x>', '\u202e', "' or 1=1 --", '$(id)', 'a'.repeat(5_000)),
);
const value = fc.oneof(
  fc.jsonValue(),
  text,
  fc.double(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(Number),
  fc.constantFrom(null, true, -1, 2 ** 31, 2 ** 53, [], {}),
);

describe('Fuzzing', () => {
  attack(
    'Z01',
    { input: 'webhooks of any body, type and header, a third of them signed', expected: 'no 5xx but 503', within: 180_000 },
    async (on) => {
      const tally = new Tally();
      const json = fc
        .record({ ref: value, after: value, pusher: value, sender: value, payload: value }, { requiredKeys: [] })
        .map((each) => JSON.stringify(each) ?? '');
      const body = fc.oneof(
        json,
        fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
        text.map((each) => `payload=${encodeURIComponent(each.toWellFormed())}`),
      );
      const type = fc.constantFrom(
        'application/json',
        'application/x-www-form-urlencoded',
        'text/plain',
        'application/json; charset=utf-16',
        'multipart/form-data',
        'x',
        '',
      );
      const event = fc.constantFrom('push', 'create', 'ping', 'x'.repeat(300), '');
      await fc.assert(
        fc.asyncProperty(
          body,
          type,
          event,
          fc.nat(2),
          fc.constantFrom('github', 'github', 'github', 'gitea', 'x', '..'),
          async (sent, kind, what, signed, provider) => {
            const headers = {
              ...(signed === 0 ? signedAsGitHub(sent, secret) : { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }),
              'content-type': kind,
              'x-github-event': what,
            };
            const { status } = await call(on, `/webhooks/${provider}/${project.name}`, { method: 'POST', body: sent, headers });
            tally.take(status, () => JSON.stringify({ sent: String(sent), headers }));
          },
        ),
        { seed, numRuns: 400 },
      );
      return `${tally}`;
    },
  );

  attack(
    'Z02',
    {
      input: 'project and target files with any value at any place, as JSON and as YAML, applied dry',
      expected: 'no 5xx; 422 or 400 names the field',
      within: 180_000,
    },
    async (on) => {
      const tally = new Tally();
      const whole = aProjectFileOf(project.name, project.repository.url);
      const target = {
        apiVersion: 'slipway.dev/v1',
        kind: 'Target',
        metadata: { name: 'lab' },
        spec: { docker: { address: '127.0.0.1', ports: '23400-23899' } },
      };
      const files = [
        ...placesOf(whole).map((at) => ['projects', project.name, whole, at] as const),
        ...placesOf(target).map((at) => ['targets', 'lab', target, at] as const),
      ];
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...files),
          value,
          text,
          fc.boolean(),
          fc.boolean(),
          async ([kind, name, file, at], given, key, more, yaml) => {
            const changed = changedAt(file, at, given, more ? key : undefined);
            const body = yaml ? stringify(changed) : JSON.stringify(changed);
            const headers = { 'content-type': yaml ? 'application/yaml' : 'application/json' };
            const answer = await call(on, `/api/v1/${kind}/${name}?dry-run=true`, {
              method: 'PUT',
              token: on.administratorToken,
              headers,
              body,
            });
            tally.take(answer.status, () => body);
          },
        ),
        { seed, numRuns: 500 },
      );
      return `${tally}`;
    },
  );
});

/** The places of all values in a file, as paths of keys. */
function placesOf(node: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof node !== 'object' || node === null) return [at];
  return [...(at.length > 0 ? [at] : []), ...Object.entries(node).flatMap(([key, each]) => placesOf(each, [...at, key]))];
}

/** The file with another value at this place, and a key more beside it where one is given. */
function changedAt(file: object, at: readonly string[], given: unknown, key: string | undefined): unknown {
  const copy = structuredClone(file) as Record<string, unknown>;
  let parent = copy;
  for (const each of at.slice(0, -1)) parent = parent[each] as Record<string, unknown>;
  parent[at.at(-1) as string] = given;
  if (key !== undefined) Object.defineProperty(parent, key, { value: given, enumerable: true, configurable: true, writable: true });
  return copy;
}
