import type { Type } from '@nestjs/common';
import { ApprovalsController } from './approvals.controller.js';
import { EnvironmentsController } from './environments.controller.js';
import { InstallationController } from './installation.controller.js';
import { LedgerController } from './ledger.controller.js';
import { PeopleController } from './people.controller.js';
import { ProjectsController } from './projects.controller.js';
import { ReleasesController } from './releases.controller.js';
import { faultsOfTable } from './route-table.js';

/** All that serves the routes of libs/api. */
export const controllers: readonly Type[] = [
  PeopleController,
  ProjectsController,
  ReleasesController,
  ApprovalsController,
  EnvironmentsController,
  InstallationController,
  LedgerController,
];

const faults = faultsOfTable(controllers);
if (faults.length > 0)
  throw new Error(`The gateway does not serve the routes of libs/api:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
