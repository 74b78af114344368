import { hashToken, newToken } from '@slipway/identity';
import { aPerson } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../api-problem.js';
import type { Bearer, Credentials } from '../ports.js';
import { Doorman } from './doorman.js';

const { secret, hash } = newToken();
const bearer: Bearer = { token: 't', person: aPerson() };
const asked: string[] = [];
/** Knows one token. */
const credentials = {
  bearerOf: async (given: string) => {
    asked.push(given);
    return given === hash ? bearer : undefined;
  },
} as unknown as Credentials;

const coming = (authorization: string | undefined, ip = '10.0.0.1') => ({ headers: { authorization }, ip });
const refusal = async (doorman: Doorman, authorization: string | undefined, ip?: string) => {
  const error = await doorman.bearer(coming(authorization, ip)).catch((thrown: unknown) => thrown);
  if (!(error instanceof ApiProblem)) throw new Error('let in');
  return error;
};

describe('the doorman', () => {
  it('lets in who comes with a good token', async () => {
    expect(await new Doorman(credentials).bearer(coming(`Bearer ${secret}`))).toBe(bearer);
  });

  it('answers the same, after the same work, whatever is wrong with a token', async () => {
    const doorman = new Doorman(credentials);
    asked.length = 0;
    const answers = [];
    for (const said of [
      undefined,
      '',
      'Basic abc',
      'Bearer',
      'Bearer slw_short',
      `Bearer ${newToken().secret}`,
      `Bearer ${'x'.repeat(5000)}`,
    ]) {
      answers.push(JSON.stringify((await refusal(doorman, said)).body));
    }
    expect(new Set(answers).size).toBe(1);
    expect(asked).toHaveLength(7);
    expect(asked.every((each) => each.length === hashToken('').length)).toBe(true);
  });

  it('tells an address that fails too often to wait, and nobody else', async () => {
    const doorman = new Doorman(credentials);
    const statuses = [];
    for (let attempt = 0; attempt < 35; attempt++) statuses.push((await refusal(doorman, 'Bearer slw_no', '10.0.0.9')).getStatus());
    expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 401));
    expect(statuses.slice(30)).toEqual([429, 429, 429, 429, 429]);
    expect((await refusal(doorman, 'Bearer slw_no', '10.0.0.10')).getStatus()).toBe(401);
    expect(await doorman.bearer(coming(`Bearer ${secret}`, '10.0.0.9'))).toBe(bearer);
  });
});
