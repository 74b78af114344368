import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Route } from '@slipway/api';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import type { GatewayConfig } from '../gateway.config.js';
import { ROUTE } from './asked.js';

/** Sends what a served method answers: 202 for what is still pending, and in tests only what its route promised. */
@Injectable()
export class Answering implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const route = this.reflector.get<Route>(ROUTE, context.getHandler());
    const reply = context.switchToHttp().getResponse<{ status(code: number): unknown }>();
    return next.handle().pipe(
      map((answer: unknown) => {
        const posted =
          route.method === 'POST' && typeof answer === 'object' && answer !== null && 'state' in answer && answer.state === 'pending';
        if (posted) reply.status(202);
        if (!this.config.SLIPWAY_CHECK_ANSWERS) return answer;
        const promised = z.safeParse(route.answer, answer);
        if (promised.success) return answer;
        throw new Error(`${route.method} ${route.path} answers what it did not promise:\n${z.prettifyError(promised.error)}`);
      }),
    );
  }
}
