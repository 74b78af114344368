import type { Route } from '@slipway/api';
import type { Person } from '@slipway/contracts';
import type { z } from 'zod';
import type { Sent } from './sent-file.js';

/** Where a method's route is kept. */
export const ROUTE = 'slipway:route';

/** What a caller asked, checked by the schemas of the route; `by` is who asks. */
export interface Asked<R extends Route> {
  readonly params: z.output<R['params']>;
  readonly query: z.output<R['query']>;
  readonly body: z.output<R['body']>;
  /** Somebody, on every route but those for anyone. */
  readonly by: Person;
  /** The id of the token they came with. */
  readonly token: string;
  /** The body as it was sent, where a route takes files. */
  readonly file: Sent;
}

/** What a route answers. */
export type Answered<R extends Route> = z.input<R['answer']>;

/** A request once it was admitted. */
export interface Admitted {
  asked?: Asked<Route>;
}
