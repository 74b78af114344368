import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { LOGGER, type Logger, SERVICE_CONFIG } from '@slipway/service-kit';
import type { SourceWatcherConfig } from '../source-watcher.config.js';
import { type Reply, send } from './answers.js';
import { SubversionHooks } from './subversion.js';
import { Webhooks } from './webhooks.js';

/**
 * The routes of webhooks, beside Nest's: there the body is parsed before anybody sees it, here it is the bytes that were signed. Its size is
 * limited while it streams in.
 */
@Injectable()
export class HookRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly webhooks: Webhooks,
    private readonly subversion: SubversionHooks,
    @Inject(SERVICE_CONFIG) private readonly config: SourceWatcherConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    const bodyLimit = this.config.SLIPWAY_WEBHOOK_LIMIT;
    void this.host.httpAdapter.getInstance().register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
      scope.setErrorHandler((error, _request, reply) => this.refuse(error, reply));
      scope.post('/webhooks/:provider/:project', { bodyLimit }, async (request, reply) => send(reply, await this.webhooks.answer(request)));
      scope.post('/subversion/:uuid/notifyCommit', { bodyLimit }, async (request, reply) =>
        send(reply, await this.subversion.answer(request)),
      );
    });
  }

  private refuse(error: unknown, reply: Reply): unknown {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    if (statusCode === 413)
      return send(reply.header('connection', 'close'), { status: 413, message: `larger than ${this.config.SLIPWAY_WEBHOOK_LIMIT} bytes` });
    if (statusCode === 415) return send(reply, { status: 415, message: 'send application/json' });
    if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
      return send(reply, { status: statusCode, message: code ?? 'the request is malformed' });
    this.logger.error({ err: error }, 'a webhook could not be answered');
    return send(reply, { status: 500, message: 'something broke here; the log says what' });
  }
}
