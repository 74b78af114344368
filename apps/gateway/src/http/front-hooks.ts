import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { Forwarding } from './forwarding.js';
import { securityHeaders } from './security-headers.js';

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
