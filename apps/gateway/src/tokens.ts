import { Injectable } from '@nestjs/common';
import { type PersonReference, TokenAdded, TokenRevoked } from '@slipway/contracts';
import { newToken } from '@slipway/identity';
import { Messaging } from '@slipway/messaging';
import { v7 } from 'uuid';
import { Credentials, type TokenRow } from './ports.js';

const day = 24 * 3_600_000;

/** The tokens people make for themselves. Each that is made or revoked is told, by its id. */
@Injectable()
export class Tokens {
  constructor(
    private readonly messaging: Messaging,
    private readonly credentials: Credentials,
  ) {}

  /** Makes a token that is good for so many days, or for ever; its secret is to be had here and never again. */
  async add(person: PersonReference, name: string, days: number | null): Promise<{ secret: string; row: TokenRow }> {
    const { secret, hash } = newToken();
    const row = await this.messaging.transact(async (unit) => {
      const expiresAt = days === null ? null : new Date(unit.now.getTime() + days * day);
      const token = await this.credentials.addToken(unit.tx, { id: v7(), hash, person: person.id, name, expiresAt });
      unit.publish(TokenAdded, {
        subject: person.id,
        data: { person, token: token.id, name, expiresAt: expiresAt?.toISOString() ?? null },
      });
      return token;
    });
    return { secret, row };
  }

  /** Revokes a token of this person; undefined where they have none of this id that is still good. */
  async revoke(person: PersonReference, id: string): Promise<TokenRow | undefined> {
    return this.messaging.transact(async (unit) => {
      const row = await this.credentials.revoke(unit.tx, person.id, id);
      if (row) unit.publish(TokenRevoked, { subject: person.id, data: { person, token: row.id, name: row.name, by: person } });
      return row;
    });
  }
}
