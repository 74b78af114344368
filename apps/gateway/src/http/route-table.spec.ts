import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { routes } from '@slipway/api';
import { describe, expect, it } from 'vitest';
import { controllers } from './controllers.js';
import { faultsOfTable } from './route-table.js';
import { Serve } from './serve.js';

@Controller()
class Half {
  @Serve(routes.me)
  me(): void {}
  @Serve(routes.me)
  again(): void {}
  @Serve({ ...routes.status })
  other(): void {}
}

describe('the table of routes', () => {
  it('is served whole, each route by one method', () => {
    expect(faultsOfTable(controllers)).toEqual([]);
  });

  it('names a route without a method, one with two, and a method without a route', () => {
    expect(faultsOfTable([Half], { me: routes.me, listTokens: routes.listTokens })).toEqual([
      'route me is served by Half.me and Half.again.',
      'no method serves route listTokens (GET /api/v1/tokens).',
      'Half.other serves GET /api/v1/status, which is not in the table.',
    ]);
  });
});
