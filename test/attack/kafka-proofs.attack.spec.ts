import { describe } from 'vitest';
import { attack } from './case.ts';

const messaging = 'libs/messaging/src';

/** What the ordinary tests try against a real broker and database already; here it is looked that they are there. */
describe('Kafka events: proven elsewhere', () => {
  for (const [id, input, expected, file, test] of [
    [
      'K02',
      'a handler that throws TypeError, RangeError, a string, nothing, or hangs',
      'a dead letter after three tries; the consumer lives',
      'trouble.int.spec.ts',
      'is tried three times, then the event is a dead letter and the consumer lives',
    ],
    [
      'K05',
      'an event before the one it builds on, which comes late or never',
      'parked, handled after it, given up after its time; never guessed',
      'trouble.int.spec.ts',
      'that is asked too early gets the event again after the one it waits for',
    ],
    [
      'K07',
      'a version newer than the code, minor and major',
      'unknown fields kept; a newer version parked and replayed after the upgrade',
      'messaging.int.spec.ts',
      'waits when it is newer than the code, genuine, and is handled after the upgrade',
    ],
    [
      'K08',
      'events of 0.99 MB, 1.01 MB and 50 MB',
      'refused by the insert of who says them; a forged one is buried',
      'messaging.int.spec.ts',
      'refuse to say what does not fit its contract, is not theirs, or is too large',
    ],
    ['K11', 'a topic deleted and made anew', 'costs time only', 'lost.int.spec.ts', 'a topic deleted and made anew costs time only'],
    [
      'K13',
      'a consumer away for longer than the topic keeps its records',
      'what was not answered is said again',
      'lost.int.spec.ts',
      'is said again with the same id at growing intervals until it is',
    ],
    [
      'K52',
      'a signature stripped, swapped, of another event, of another service; other attributes, other bytes',
      'refused',
      'reading.spec.ts',
      'refuses an event with %s',
    ],
    [
      'K53',
      'the same id with other bytes',
      'a dead letter, and nothing changes',
      'messaging.int.spec.ts',
      'with the same id and other data is a dead letter and changes nothing',
    ],
    [
      'K54',
      'batches by zstd, snappy, lz4; bombs; more records and headers than a call has arguments',
      'one dead letter a batch, the consumer lives',
      'hostile.int.spec.ts',
      'is one dead letter, and the consumer lives: %s',
    ],
    [
      'K55',
      'events of the future and of the past, signed by a key that had ended, or not begun',
      'judged by the time the log took them',
      'reading.spec.ts',
      'judges a signature at the time the log took the record, not at one its writer gives',
    ],
  ] as const) {
    attack(
      id,
      { input, expected, provenBy: [{ file: `${messaging}/${file}`, test }] },
      async () => 'proven by the ordinary tests, against a real broker and database',
    );
  }
});
