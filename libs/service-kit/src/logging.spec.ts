import { describe, expect, it } from 'vitest';
import { createLogger, NestLogger } from './logging.js';
import { correlate } from './tracing.js';

function logging(secrets: string[] = []) {
  const lines: string[] = [];
  const logger = createLogger({
    service: 'approval',
    instance: 'i-1',
    level: 'debug',
    secrets,
    destination: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('the log of a service', () => {
  it('says who logs', () => {
    const { logger, last } = logging();
    logger.info({ release: 'shop/42' }, 'granted');
    expect(last()).toMatchObject({ service: 'approval', instance: 'i-1', level: 'info', msg: 'granted', release: 'shop/42' });
  });

  it('carries the trace and what it is about', () => {
    const { logger, last } = logging();
    correlate(
      { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', correlationId: 'shop/42', causationId: 'e-7' },
      () => logger.info('x'),
    );
    expect(last()).toMatchObject({ trace: '0af7651916cd43dd8448eb211c80319c', correlation: 'shop/42', cause: 'e-7' });
  });

  it('hides fields that hold secrets, also deeper down', () => {
    const { logger, lines } = logging();
    logger.info({ password: 'p4ss', user: { token: 't0ken' }, request: { headers: { authorization: 'Bearer b3arer' } } }, 'x');
    expect(lines.join()).not.toMatch(/p4ss|t0ken|b3arer/);
  });

  it('hides known secrets wherever they turn up, also in stacks and escaped', () => {
    const { logger, lines } = logging(['hush-hush', 'quo"ted"secret']);
    logger.error({ err: new Error('cannot connect with hush-hush') }, 'the text quo"ted"secret');
    expect(lines.join()).not.toMatch(/hush-hush|ted\\"secret/);
    expect(() => JSON.parse(lines[0] ?? '')).not.toThrow();
  });

  it('hides passwords in addresses', () => {
    const { logger, last } = logging();
    logger.info('cloning https://robot:s3cret@git.example/shop.git');
    expect(last().msg).toBe('cloning https://robot:[redacted]@git.example/shop.git');
  });

  it('takes what Nest says, with its context and stack', () => {
    const { logger, last } = logging();
    new NestLogger(logger).error('it broke', 'Error: it broke\n    at x', 'Router');
    expect(last()).toMatchObject({ level: 'error', msg: 'it broke', context: 'Router', stack: expect.stringContaining('at x') });
  });
});
