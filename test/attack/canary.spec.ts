import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { aCanary, lookFor, type Piece } from './canary.js';

const canary = aCanary('a password');
const { value } = canary;
const bytes = Buffer.from(value);
const look = (...pieces: Piece['content'][]) =>
  lookFor(
    [canary, aCanary('another')],
    [{ name: 'somewhere', pieces: () => pieces.map((content, at) => ({ where: `piece ${at}`, content })) }],
  );

describe('looking for a secret', () => {
  it.each([
    ['as it is', `password=${value};`],
    ['in a header of basic authentication', Buffer.from(`ci:${value}`).toString('base64')],
    ['in base64 one byte on', Buffer.from(`robot:${value} and more`).toString('base64')],
    ['in base64 two bytes on', Buffer.from(`xx${value}`).toString('base64url')],
    ['in a url', `https://ci:${encodeURIComponent(value)}@git.example/`],
    ['in JSON', JSON.stringify({ password: value })],
    ['in JSON in a string of JSON', JSON.stringify({ value: JSON.stringify({ password: value }) })],
    ['on a page', `<td>${value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}</td>`],
    ['in hex', bytes.toString('hex')],
    ['in part', `${value.slice(0, 20)}…`],
    ['in bytes', Buffer.concat([Buffer.from([0, 255, 254]), bytes, Buffer.from([0])])],
    ['in a row with bytes', JSON.stringify({ chunk: `\\x${Buffer.from(`a line ${value}\n`).toString('hex')}` })],
    ['in a row with compressed bytes', JSON.stringify({ chunk: `\\x${gzipSync(`a line ${value}\n`).toString('hex')}` })],
    ['in a compressed file', zstdCompressSync(`a line ${value}\n`)],
    ['in compressed bytes without a mark', brotliCompressSync(`a line ${value}\n`)],
  ])('finds it %s, and says which it was and where, never what', async (_, content) => {
    const found = await look('nothing here', content);
    expect(found[0]).toMatchObject({ canary: 'a password', place: 'somewhere', where: 'piece 1' });
    expect(JSON.stringify(found)).not.toContain(value.slice(5, 20));
  });

  it('finds nothing where nothing is, and does not say so of a place with nothing to look at', async () => {
    expect(await look('cnry', bytes.subarray(0, 10), gzipSync('x'))).toEqual([]);
    await expect(look()).rejects.toThrow('somewhere: 0 pieces');
  });
});
