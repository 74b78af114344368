import { Injectable } from '@nestjs/common';
import type { ApprovalRequested, DataOf } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import { deployAgain, environmentOf, testEnvironmentBefore } from '@slipway/release';
import type { ApprovalRequest } from './domain/approval-request.js';
import { Knowledge } from './ports.js';

/** The test environment the release of a request came through, and what runs there. */
export interface TestView extends Pick<DataOf<typeof ApprovalRequested>, 'inTest' | 'deployAgain'> {
  readonly environment: string;
}

/** What people who sign can look at: known anew each time, for another build may have taken the place of the one they are asked about. */
@Injectable()
export class InTest {
  constructor(private readonly knowledge: Knowledge) {}

  async of(tx: Tx, { release, through }: ApprovalRequest): Promise<TestView> {
    const file = (await this.knowledge.project(tx, release.project))?.file;
    const environment = file ? testEnvironmentBefore(file, through) : through;
    const standing = await this.knowledge.standing(tx, release.project, environment);
    const runs = standing?.release && standing.image ? { release: standing.release, image: standing.image } : null;
    const exists = file ? environmentOf(file, environment)?.stage === 'test' : false;
    return {
      environment,
      inTest: runs && { environment, address: standing?.address ?? '', ...runs },
      deployAgain: exists && runs?.release.id !== release.id ? deployAgain(release, environment) : null,
    };
  }
}
