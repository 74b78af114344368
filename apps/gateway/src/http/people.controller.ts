import { Controller, Req } from '@nestjs/common';
import { routes } from '@slipway/api';
import type { Person, PersonReference } from '@slipway/contracts';
import { ApiProblem } from '../api-problem.js';
import { Membership } from '../membership.js';
import { Credentials, People, type TokenRow } from '../ports.js';
import { Tokens } from '../tokens.js';
import type { Answered, Asked } from './asked.js';
import { Doorman } from './doorman.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;

/** People, their tokens and their keys. */
@Controller()
export class PeopleController {
  constructor(
    private readonly membership: Membership,
    private readonly people: People,
    private readonly credentials: Credentials,
    private readonly tokens: Tokens,
    private readonly doorman: Doorman,
  ) {}

  @Serve(routes.redeem)
  async redeem(@Ask() { body }: Asked<R['redeem']>, @Req() request: { ip: string }): Promise<Answered<R['redeem']>> {
    try {
      return await this.membership.redeem(body);
    } catch (error) {
      throw error instanceof ApiProblem && error.getStatus() === 401 ? this.doorman.failed(request.ip, error) : error;
    }
  }

  @Serve(routes.me)
  me(@Ask() { by }: Asked<R['me']>): Answered<R['me']> {
    return by;
  }

  @Serve(routes.listPeople)
  async list(): Promise<Answered<R['listPeople']>> {
    return { items: [...(await this.people.all())] };
  }

  @Serve(routes.addPerson)
  add(@Ask() { body, by }: Asked<R['addPerson']>): Promise<Answered<R['addPerson']>> {
    return this.membership.add(body, referenceTo(by));
  }

  @Serve(routes.changePerson)
  change(@Ask() { params, body, by }: Asked<R['changePerson']>): Promise<Answered<R['changePerson']>> {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    return this.membership.change(params.id, given, referenceTo(by));
  }

  @Serve(routes.invite)
  invite(@Ask() { params, by }: Asked<R['invite']>): Promise<Answered<R['invite']>> {
    return this.membership.invite(params.id, referenceTo(by));
  }

  @Serve(routes.listKeys)
  keys(@Ask() { by }: Asked<R['listKeys']>): Answered<R['listKeys']> {
    return { items: by.keys };
  }

  @Serve(routes.addKey)
  addKey(@Ask() { body, by }: Asked<R['addKey']>): Promise<Answered<R['addKey']>> {
    return this.membership.addKey(referenceTo(by), body.jwk);
  }

  @Serve(routes.revokeKey)
  revokeKey(@Ask() { params, by }: Asked<R['revokeKey']>): Promise<Answered<R['revokeKey']>> {
    return this.membership.revokeKey(referenceTo(by), params.id);
  }

  @Serve(routes.listTokens)
  async listTokens(@Ask() { by }: Asked<R['listTokens']>): Promise<Answered<R['listTokens']>> {
    return { items: (await this.credentials.tokensOf(by.id)).map(tokenView) };
  }

  @Serve(routes.addToken)
  async addToken(@Ask() { body, by }: Asked<R['addToken']>): Promise<Answered<R['addToken']>> {
    const { secret, row } = await this.tokens.add(referenceTo(by), body.name, body.days);
    return { id: row.id, token: secret, expiresAt: row.expiresAt?.toISOString() ?? null };
  }

  @Serve(routes.revokeToken)
  async revokeToken(@Ask() { params, by }: Asked<R['revokeToken']>): Promise<Answered<R['revokeToken']>> {
    const row = await this.tokens.revoke(referenceTo(by), params.id);
    if (!row) throw ApiProblem.notFound('such token');
    return tokenView(row);
  }
}

function referenceTo({ id, name }: Person): PersonReference {
  return { id, name };
}

function tokenView(row: TokenRow) {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}
