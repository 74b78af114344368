import { type ApiClient, apiClient } from '@slipway/api';
import type { Service } from '@slipway/contracts';
import { inject } from 'vitest';

/** The suite under attack, as plain data: every service two processes, started again whenever they end. Made once, by the-suite.ts. */
export interface Place {
  readonly gatewayUrl: string;
  /** Its second replica. */
  readonly otherGatewayUrl: string;
  /** `POST /refuse` there takes the database away from every service, `POST /restore` gives it back. */
  readonly outageUrl: string;
  /** `POST` there has everything judged that happened since the suite was started. */
  readonly judgeUrl: string;
  /** A folder for the repositories of projects that are done with, each by the project's name: the judge reads them. */
  readonly repositories: string;
  readonly ports: Readonly<Record<Service, number>>;
  /** Files of the suite: `logs/<service>.log`, `run/<service>.json` (its pid), the keys, the trust file. */
  readonly dataDir: string;
  readonly trustFile: string;
  /** As the administrator of the database: every service has a schema in it. */
  readonly databaseUrl: string;
  readonly topicPrefix: string;
  /** On everything the suite deploys. */
  readonly installation: string;
  /** The token of the first administrator, whose roles are for every project. */
  readonly administratorToken: string;
  /** The target that is there. */
  readonly target: 'lab';
}

declare module 'vitest' {
  interface ProvidedContext {
    attacked: Place;
  }
}

/** The place, with a way in. */
export interface Attacked extends Place {
  readonly administrator: ApiClient;
}

export function attacked(): Attacked {
  const place = inject('attacked');
  return { ...place, administrator: apiClient({ url: place.gatewayUrl, token: place.administratorToken }) };
}
