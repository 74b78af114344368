import { Injectable } from '@nestjs/common';
import type { Reconciliation } from '@slipway/operations';
import { Journal } from './ports.js';

/** Keeps partitions of the journal ready for the months that come. */
@Injectable()
export class Partitions implements Reconciliation {
  readonly name = 'journal-partitions';
  readonly everySeconds = 60;

  constructor(private readonly journal: Journal) {}

  async run(): Promise<void> {
    await this.journal.makePartitions();
  }
}
