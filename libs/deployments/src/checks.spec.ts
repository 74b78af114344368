import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkHttp } from './check-http.js';
import { readJUnit } from './junit.js';

describe('an HTTP check', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function serving(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const signal = AbortSignal.timeout(20_000);

  it('takes the status that is expected, whatever it is', async () => {
    const address = await serving((_, response) => response.writeHead(302, { location: '/elsewhere' }).end());
    expect(await checkHttp({ http: '/', expect: 302, timeout: '1s' }, address, signal)).toMatchObject({ outcome: 'passed' });
    expect(await checkHttp({ http: '/', expect: 200, timeout: '1s' }, address, signal)).toMatchObject({
      outcome: 'failed',
      message: 'GET / answered 302, expected 200',
    });
  });

  it('fails one that does not answer in time, or breaks off', async () => {
    const silent = await serving(() => undefined);
    expect(await checkHttp({ http: '/', expect: 200, timeout: '100ms' }, silent, signal)).toMatchObject({
      outcome: 'failed',
      message: 'GET /: no answer within 0.1 s',
    });
    server?.closeAllConnections();
    server?.close();
    const broken = await serving((request) => request.socket.destroy());
    expect(await checkHttp({ http: '/', expect: 200, timeout: '1s' }, broken, signal)).toMatchObject({ outcome: 'failed' });
  });

  it('reads no more of an endless answer than it needs', async () => {
    const endless = await serving((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const result = await checkHttp({ http: '/', expect: 200, contains: 'needle', timeout: '10s' }, endless, signal);
    expect(result).toMatchObject({ outcome: 'failed', message: 'GET / answered 200 without "needle" in its first 256 KiB' });
    expect(JSON.stringify(result).length).toBeLessThan(5000);
  });

  it('never leaves the address it was given', async () => {
    const address = await serving((_, response) => response.end('here'));
    expect(await checkHttp({ http: '//127.0.0.1:1/', expect: 200, timeout: '1s' }, address, signal)).toMatchObject({ outcome: 'passed' });
  });
});

describe('a JUnit report', () => {
  it('is counted by its cases', () => {
    const xml = `<testsuites tests="99"><testsuite><testcase classname="shop" name="buys"/><testcase name='pays'><failure message="no &amp; money">trace</failure></testcase>
      <testcase name="ships"><skipped/></testcase><testcase classname="shop" name="breaks"><error/></testcase></testsuite></testsuites>`;
    expect(readJUnit(xml)).toEqual({ tests: 4, failures: 2, skipped: 1, failing: ['pays', 'shop breaks'] });
  });

  it('is not fooled by comments, CDATA or words in messages', () => {
    const xml =
      '<testsuite><!-- <testcase><failure/></testcase> --><testcase name="a"><system-out><![CDATA[<failure/>]]></system-out></testcase></testsuite>';
    expect(readJUnit(xml)).toEqual({ tests: 1, failures: 0, skipped: 0, failing: [] });
  });

  it('takes anything without an error', () => {
    for (const text of ['', '<', '<testcase', '<testcase <failure', '\0'.repeat(100), '<testcase>'.repeat(1000)])
      expect(() => readJUnit(text)).not.toThrow();
  });
});
