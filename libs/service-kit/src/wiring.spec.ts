import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Reconciliation } from '@slipway/operations';
import { expect, it } from 'vitest';
import { wire } from './wiring.js';

class OwnDisk implements Reconciliation {
  readonly name = 'own disk';
  readonly everySeconds = 600;
  readonly limitSeconds = 10;
  readonly inEveryReplica = true;
  async run(): Promise<void> {}
}

it('runs a reconciliation as it says itself, in every replica where it says so', () => {
  const own = new OwnDisk();
  const app = { get: () => own } as unknown as NestFastifyApplication;
  expect(wire(app, { name: 'image-builder', reconcilers: [OwnDisk] }).reconciliations).toEqual([own]);
});
