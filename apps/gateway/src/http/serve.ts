import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { Route } from '@slipway/api';

import { Admission } from './admission.js';
import { Answering } from './answering.js';
import { ApiProblemFilter } from './api-problem-filter.js';
import { type Admitted, ROUTE } from './asked.js';

/** Serves a route of libs/api by this method: its path, its schemas and, deny by default, its permission. */
export function Serve(route: Route): MethodDecorator {
  return applyDecorators(
    RequestMapping({ method: RequestMethod[route.method], path: route.path.replaceAll(/\{(\w+)\}/g, ':$1') }),
    SetMetadata(ROUTE, route),
    HttpCode(200),
    UseGuards(Admission),
    UseInterceptors(Answering),
    UseFilters(ApiProblemFilter),
  );
}

/** The parameter of a served method that gets what was asked. */
export const Ask = createParamDecorator((_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Admitted>().asked);
