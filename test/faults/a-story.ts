import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventDefinition, type Service, topicOf } from '@slipway/contracts';
import { payloadTypes } from '@slipway/identity';
import { type OutRecord, signedBytes } from '@slipway/messaging';
import { anId, aPerson, aProjectFile, aRelease, aTargetFile, type TestKeyRing } from '@slipway/testkit';
import { root } from '../../tools/suite/services.ts';

/** One event of a story, not yet on any topic. */
export interface Told {
  readonly event: EventDefinition;
  readonly id: string;
  readonly writer: Service;
  readonly subject: string;
  readonly sequence: number;
  readonly time: Date;
  readonly value: Buffer;
}

/** What must be known before anything is said of a release. */
const first = ['person.changed', 'target.applied', 'project.applied', 'commit.detected', 'image.built'];

/**
 * The committed samples of these events, made into the story of one release of `shop` on its way to `environment`; `listener` is who takes its commands.
 */
export function aStory(events: readonly EventDefinition[], listener: Service): Told[] {
  const release = aRelease();
  const withdrawn = aRelease({ number: 2 });
  const person = aPerson();
  const request = anId();
  const place = (name: string) => (rank(name) < 0 ? first.length : rank(name));
  const rank = (name: string) => first.indexOf(name);
  const begin = Date.now() - 600_000;
  const counts = new Map<string, number>();
  return [...events]
    .sort((one, other) => place(one.name) - place(other.name))
    .map((event, at) => {
      const writer = event.writer === 'every' ? 'approval' : event.writer === 'outside' ? 'gateway' : event.writer;
      const environment = /^(deployment|verification|environment\.(held|unheld|removed))/.test(event.name) ? 'test' : 'production';
      const sample = JSON.parse(
        readFileSync(join(root, 'libs/contracts/samples', `${event.name}.v${event.version}.json`), 'utf8'),
      ) as Record<string, unknown>;
      // What is withdrawn goes nowhere, whatever else is said of it before or after.
      const about = event.name === 'release.withdrawn' ? withdrawn : release;
      const subjects = { release: about.id, project: 'shop', environment: `shop/${environment}`, target: 'lab', person: person.id };
      const subject = event.about === 'installation' ? 'installation' : subjects[event.about];
      const facts: Record<string, unknown> = {
        release: typeof sample['release'] === 'string' ? about.id : about,
        request,
        environment,
        project: 'shop',
        projectVersion: 1,
        eligible: [person],
      };
      const own: Record<string, Record<string, unknown>> = {
        'person.changed': { person, version: 1 },
        'target.applied': { file: aTargetFile(), version: 1 },
        'project.applied': { file: aProjectFile(), version: 1 },
        'command.issued': { service: listener, action: { kind: 'environment.unhold', project: 'shop', environment: 'test' } },
        'log.appended': { chunk: 0 },
        'audit.linked': { head: { ...(sample['head'] as object), payload: headOf(sample) } },
      };
      const known = Object.fromEntries(Object.entries(facts).filter(([name]) => name in sample));
      const data = event.data.parse({ ...sample, ...known, ...own[event.name] });
      const story = `${writer} ${subject}`;
      counts.set(story, (counts.get(story) ?? 0) + 1);
      const sequence = counts.get(story) as number;
      const time = new Date(begin + at * 1000);
      return { event, id: anId(), writer, subject, sequence, time, value: Buffer.from(JSON.stringify(data)) };
    });
}

/** The record in which its writer says this, signed with its key. */
export async function recordOf(told: Told, keys: TestKeyRing, topicPrefix: string): Promise<OutRecord> {
  const { event, id, writer, subject, sequence, time, value } = told;
  const headers = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: writer,
    ce_type: event.type,
    ce_time: time.toISOString(),
    ce_subject: subject,
    ce_partitionkey: subject,
    ce_sequence: String(sequence),
  };
  const signature = await keys.keys[writer].signer.sign(payloadTypes.events, signedBytes(headers, value));
  const ce_signature = Buffer.from(JSON.stringify([signature])).toString('base64url');
  return { topic: `${topicPrefix}${topicOf(event, writer)}`, key: subject, value, headers: { ...headers, ce_signature } };
}

/** What an audit chain's head says, as its envelope carries it. */
function headOf(sample: Record<string, unknown>): string {
  const [link] = (sample['links'] ?? []) as { chain: string; sequence: number; hash: string; at: string }[];
  const { chain, sequence, hash, at } = link ?? {};
  return Buffer.from(JSON.stringify({ chain, sequence, hash, at })).toString('base64');
}
