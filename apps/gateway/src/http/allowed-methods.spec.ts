import { describe, expect, it } from 'vitest';
import { methodsAt } from './allowed-methods.js';

describe('the methods of an address', () => {
  it.each([
    ['/api/v1/me', ['GET', 'HEAD']],
    ['/api/v1/projects/shop?reason=x', ['GET', 'HEAD', 'PUT', 'DELETE']],
    ['/api/v1/releases/shop/42', ['GET', 'HEAD']],
    ['/api/v1/releases/0b9c/retry', ['POST']],
    ['/api/v1/events', ['GET', 'HEAD']],
  ])('%s: %j', (url, methods) => {
    expect(methodsAt(url)?.toSorted()).toEqual(methods.toSorted());
  });

  it.each(['/', '/metrics', '/api/v1', '/api/v1/', '/api/v1/nothing', '/api/v1/releases/', '/api/v1/releases//retry', '/api/v2/me'])(
    'are unknown at %s',
    (url) => {
      expect(methodsAt(url)).toBeUndefined();
    },
  );
});
