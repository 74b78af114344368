import { Injectable } from '@nestjs/common';
import type { ImageRetired } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import { RetiredImages } from './ports.js';
import { workKinds } from './settling.js';

/** Releases need their image no longer: it goes once no release of any project that has it is left, one born late as little as any other. */
@Injectable()
export class OnImageRetired implements Handler<typeof ImageRetired> {
  constructor(private readonly images: RetiredImages) {}

  async handle(event: Received<typeof ImageRetired>, unit: UnitOfWork): Promise<void> {
    const { image, releases } = event.data;
    const ids = releases.map(({ id }) => id);
    // Whoever takes it for a release at this moment is done, or waits: then it finds it retired.
    await this.images.retired(unit.tx, image.digest);
    await this.images.retire(unit.tx, image.digest, ids);
    if (!(await this.images.retired(unit.tx, image.digest))) return;
    await owe(unit.tx, { kind: workKinds.removal, key: image.digest, input: { digest: image.digest }, cause: { causationId: event.id } });
  }
}
