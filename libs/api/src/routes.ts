import { approvalRoutes } from './approvals.js';
import { commandRoutes } from './commands.js';
import { environmentRoutes } from './environments.js';
import { installationRoutes } from './installation.js';
import { ledgerRoutes } from './ledger.js';
import { peopleRoutes } from './people.js';
import { projectRoutes } from './projects.js';
import { releaseRoutes } from './releases.js';

/** Every route of the gateway's JSON API; the OpenAPI document and the client are made from this table. */
export const routes = {
  ...peopleRoutes,
  ...projectRoutes,
  ...releaseRoutes,
  ...approvalRoutes,
  ...environmentRoutes,
  ...commandRoutes,
  ...installationRoutes,
  ...ledgerRoutes,
};

export type RouteName = keyof typeof routes;
