import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Attacked, attacked } from './attacked.ts';
import { attack } from './case.ts';
import { overTheWire, portOf, processOf } from './wire.ts';
import { type AttackedProject, aProject, call, joinAs, type Somebody } from './world.ts';

let shop: AttackedProject & { drop(): Promise<void> };
let otto: Somebody;

beforeAll(async () => {
  const on = attacked();
  shop = await aProject(on);
  otto = await joinAs(on, { name: 'Otto', roles: [{ role: 'operator', project: shop.name }] });
  await shop.request(1);
}, 120_000);
afterAll(() => shop?.drop());

const json = { 'content-type': 'application/json' };
const raw = (on: Attacked, text: string, within = 3_000) => overTheWire(portOf(on), text.replaceAll('\n', '\r\n'), within);
const get = (on: Attacked, path: string) => call(on, path, { token: on.administratorToken });

describe('HTTP', () => {
  attack(
    'W52',
    {
      input:
        'request smuggling: Content-Length with Transfer-Encoding, two lengths, odd encodings, folded headers, blanks before colons, bare LF and CR',
      expected: '400 and the connection closed; never a second request out of a body',
    },
    async (on) => {
      const inner = 'GET /api/v1/openapi.json HTTP/1.1\nhost: x\n\n';
      const body = `0\n\n${inner}`;
      const head = (headers: string) => `POST /api/v1/invitations/redeem HTTP/1.1\nhost: x\ncontent-type: application/json\n${headers}\n\n`;
      const tries: Record<string, string> = {
        'CL.TE': head(`content-length: ${body.length}\ntransfer-encoding: chunked`) + body,
        'TE.CL': `${head('transfer-encoding: chunked\ncontent-length: 4')}5c\n${inner}\n0\n\n`,
        'two lengths': head('content-length: 0\ncontent-length: 44') + inner,
        'lengths in a list': head('content-length: 0, 44') + inner,
        'negative length': head('content-length: -1') + inner,
        'plus in a length': `${head('content-length: +2')}{}${inner}`,
        'TE with a tab': head('transfer-encoding:\tchunked\nTransfer-Encoding: identity') + body,
        'TE xchunked': head('transfer-encoding: xchunked\ncontent-length: 4') + inner,
        'TE chunked twice': head('transfer-encoding: chunked, chunked') + body,
        'a blank before the colon': head(`content-length : 4\ncontent-length: 44`) + inner,
        'a folded header': head('x: y\n content-length: 44') + inner,
        'a NUL in a header': head('x: a\u0000b\ncontent-length: 0'),
        'a chunk of 17 digits': `${head('transfer-encoding: chunked')}10000000000000002\n{}\n${inner}`,
        'an unknown version': 'GET / HTTP/3.0\nhost: x\n\n',
        'no host': 'GET /api/v1/me HTTP/1.1\n\n',
      };
      const wrong: string[] = [];
      for (const [how, text] of Object.entries(tries)) {
        const { statuses, closed, text: answer } = await raw(on, text);
        if (
          answer.includes('"openapi"') ||
          statuses.length > 1 ||
          !statuses.every((status) => status >= 400 && status < 500) ||
          (!closed && statuses.length === 0)
        )
          wrong.push(`${how}: ${statuses.join(' ')}${closed ? '' : ', left open'}`);
      }
      expect(wrong).toEqual([]);
      return `${Object.keys(tries).length} ways, one 4xx each`;
    },
  );

  attack(
    'W53',
    {
      input: 'pipelining: two people’s requests on one connection, one after a refused one',
      expected: 'each is answered for its own token',
    },
    async (on) => {
      const ask = (token?: string) => `GET /api/v1/me HTTP/1.1\nhost: x\n${token ? `authorization: Bearer ${token}\n` : ''}\n`;
      const { statuses, text } = await raw(on, ask(on.administratorToken) + ask() + ask(otto.token) + ask('slw_no'), 5_000);
      expect(statuses).toEqual([200, 401, 200, 401]);
      expect([...text.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name)).toEqual(['Ada Administrator', 'Otto']);
      return statuses.join(', ');
    },
  );

  attack(
    'W54',
    { input: 'a header of 64 KiB, 3,000 headers, a URL of 20,000 characters, a token of 100,000', expected: '4xx; the process lives' },
    async (on) => {
      const was = await processOf(on, 'gateway');
      const ask = (headers: string, path = '/api/v1/me') => raw(on, `GET ${path} HTTP/1.1\nhost: x\n${headers}\n\n`);
      const wires = [
        await ask(`x: ${'y'.repeat(65_536)}`),
        await ask(Array.from({ length: 3_000 }, (_, at) => `x${at}: y`).join('\n')),
        await ask('', `/api/v1/releases/${'x'.repeat(20_000)}`),
        await ask(`authorization: Bearer ${'x'.repeat(100_000)}`),
      ];
      expect(wires.every(({ statuses }) => statuses.length === 1 && (statuses[0] as number) >= 400 && (statuses[0] as number) < 500)).toBe(
        true,
      );
      expect(await processOf(on, 'gateway')).toBe(was);
      return wires.map(({ statuses }) => statuses[0]).join(', ');
    },
  );

  attack(
    'W55',
    {
      input: 'another method by X-HTTP-Method-Override, X-Method-Override, _method; TRACE, CONNECT, a method of no RFC',
      expected: 'the method that was sent counts; TRACE echoes nothing',
    },
    async (on) => {
      for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
        await call(on, `/api/v1/projects/${shop.name}?_method=DELETE`, { token: on.administratorToken, headers: { [name]: 'DELETE' } });
        await call(on, `/api/v1/projects/${shop.name}?_method=DELETE`, {
          method: 'POST',
          token: on.administratorToken,
          headers: { [name]: 'DELETE', ...json },
          body: '{"_method":"DELETE"}',
        });
      }
      expect((await get(on, `/api/v1/projects/${shop.name}`)).status).toBe(200);
      const statuses: number[] = [];
      for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'PURGE', 'FOO']) {
        const { text, statuses: told } = await raw(on, `${method} /api/v1/me HTTP/1.1\nhost: x\ncookie: a-canary\n\n`, 1_500);
        expect(text).not.toContain('a-canary');
        expect(told.every((status) => status >= 400 && status < 500)).toBe(true);
        statuses.push(told[0] ?? 0);
      }
      return `the project is there; ${statuses.join(', ')}`;
    },
  );

  attack(
    'W57',
    {
      input:
        'path tricks without a token: encoded slashes and dots, doubled slashes, other cases, a trailing slash, ;matrix, %00, absolute and authority forms',
      expected: 'never anything but 400, 401, 404 or 405',
    },
    async (on) => {
      const paths = [
        '/api/v1//me',
        '//api/v1/me',
        '/api/v1/me/',
        '/API/V1/ME',
        '/api/v1/me;x=1',
        '/api/v1/me%00',
        '/api/v1/me%20',
        '/api/v1/%6de',
        '/api/v1/me?',
        '/api/v1/docs/../me',
        '/api/docs/..%2fv1%2fme',
        '/api/v1/releases/..%2f..%2fme',
        '/api/v1/openapi.json/../me',
        '/api/v1/me#x',
        `http://x/api/v1/me`,
        '/api/v1/%2e%2e/v1/me',
        '/api/v1/\\me',
        '/api/v1/people/%252e%252e',
        `/releases/${shop.name}/1%2f..`,
        `/releases/..%2f..%2fapi/1`,
        '*',
        '/..',
      ];
      const wrong: string[] = [];
      for (const path of paths) {
        const { statuses } = await raw(on, `GET ${path} HTTP/1.1\nhost: x\nconnection: close\n\n`);
        if (statuses.length !== 1 || ![400, 401, 404, 405].includes(statuses[0] as number)) wrong.push(`${path}: ${statuses.join(' ')}`);
      }
      expect(wrong).toEqual([]);
      return `${paths.length} paths`;
    },
  );

  attack(
    'W58',
    {
      input: 'a foreign Host, X-Forwarded-Host, -Proto, Forwarded, X-Original-URL; links and redirects to elsewhere',
      expected: 'no answer names the foreign host, none redirects; X-Forwarded-For moves nobody’s limit',
    },
    async (on) => {
      const wrong: string[] = [];
      for (const path of [
        '/',
        '/api/docs',
        `/releases/${shop.name}/1`,
        '/api/v1/openapi.json',
        '//evil.example/%2f..',
        '/\\evil.example',
        '/https://evil.example',
        '/?next=https://evil.example',
        '/releases//evil.example/1',
      ]) {
        const { statuses, text } = await raw(
          on,
          `GET ${path} HTTP/1.1\nhost: evil.example\nx-forwarded-host: evil.example\nx-forwarded-proto: https\nforwarded: host=evil.example\nx-original-url: /api/v1/me\nx-rewrite-url: /api/v1/me\nconnection: close\n\n`,
        );
        // A 404 says which path it was.
        const body = text.replaceAll(path, '').replaceAll(JSON.stringify(path).slice(1, -1), '');
        if (/evil\.example/.test(body) || /^location:/im.test(text) || statuses.some((status) => status >= 300 && status < 400))
          wrong.push(`${path}: ${statuses.join(' ')}`);
      }
      expect(wrong).toEqual([]);
      return 'nine addresses, none named it';
    },
  );

  attack(
    'W59',
    {
      input: 'CORS: preflights and calls from https://evil.example and from null, with a token',
      expected: 'no Access-Control header: browsers keep the answer from the page',
    },
    async (on) => {
      for (const origin of ['https://evil.example', 'null']) {
        for (const method of ['OPTIONS', 'GET', 'POST']) {
          const { headers } = await call(on, '/api/v1/me', {
            method,
            token: otto.token,
            headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
          });
          expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
          expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
        }
      }
      return 'none';
    },
  );

  attack(
    'W51',
    {
      input: 'paths that begin as a webhook and end elsewhere: /webhooks/../metrics, %2e%2e, encoded slashes, backslashes',
      expected: 'nothing but a webhook reaches source-watcher: 400 or 404, never its health, metrics or any other page',
    },
    async (on) => {
      const paths = [
        '/webhooks/../metrics',
        '/webhooks/%2e%2e/metrics',
        '/webhooks/.%2e/health/ready',
        '/webhooks/..%2fmetrics',
        '/webhooks/..%5cmetrics',
        '/webhooks/..\\metrics',
        '/webhooks/github/../../metrics',
        '/subversion/%2E%2E/metrics',
        '/webhooks//../metrics',
        'http://evil.example/webhooks/../metrics',
      ];
      const found: string[] = [];
      for (const path of paths) {
        const wire = await overTheWire(portOf(on), `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
        const kept = wire.statuses.length === 1 && wire.statuses.every((status) => status === 400 || status === 404);
        if (!kept || /slipway_|"parts"/.test(wire.text)) found.push(`${path}: ${wire.statuses.join(' ')}`);
      }
      expect(found).toEqual([]);
      return `${paths.length} paths, all 400 or 404`;
    },
  );
});
