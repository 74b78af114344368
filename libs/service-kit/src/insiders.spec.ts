import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Insiders } from './insiders.js';

const from = (remoteAddress: string | undefined, headers: Record<string, string> = {}) => ({
  headers,
  socket: { remoteAddress, localAddress: '10.0.0.9' } as Socket,
});

describe('insiders', () => {
  const insiders = new Insiders('a-token-of-prometheus');

  it.each(['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.9'])('are those who come from this machine, by %s', (address) => {
    expect(insiders.admits(from(address))).toBe(true);
  });

  it.each(['10.0.0.7', '172.17.0.1', '::ffff:10.0.0.7', 'fe80::1', undefined])('are none who come from elsewhere: %s', (address) => {
    expect(insiders.admits(from(address))).toBe(false);
  });

  it.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])('are none who come through a proxy here that says %s', (header) => {
    expect(insiders.admits(from('127.0.0.1', { [header]: '127.0.0.1' }))).toBe(false);
  });

  it('are those who bring the token, wherever they come from', () => {
    const bringing = (authorization: string) => insiders.admits(from('10.0.0.7', { authorization }));
    expect(bringing('Bearer a-token-of-prometheus')).toBe(true);
    expect(['Bearer another', 'Bearer ', 'Basic a-token-of-prometheus', 'a-token-of-prometheus'].map(bringing)).toEqual(
      Array(4).fill(false),
    );
    expect(new Insiders().admits(from('10.0.0.7', { authorization: 'Bearer undefined' }))).toBe(false);
  });
});
