import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { Forwarding } from './forwarding.js';

/** Said with every answer: nothing of ours is framed, sniffed, cached or referred to, and no page of ours loads anything from elsewhere. */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** What happens to each request before Nest sees it: security headers, and the forwarding of what is source-watcher's. */
@Injectable()
export class FrontHooks {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly forwarding: Forwarding,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance();
    fastify.addHook('onRequest', async (request, reply) => {
      if (this.forwarding.concerns(request.raw.url ?? '')) {
        reply.hijack();
        this.forwarding.forward(request.raw, reply.raw);
        return;
      }
      void reply.headers(securityHeaders);
    });
  }
}
