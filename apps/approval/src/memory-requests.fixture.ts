import type { Tx } from '@slipway/postgres';
import { compareReleases, goesBackwards, newestOf } from '@slipway/release';
import { type ApprovalRequest, isUnusedGrant } from './domain/approval-request.js';
import { Requests, type Where } from './ports.js';

/** {@link Requests} in memory, in the order they were opened, for exploring many stories a second. */
export class MemoryRequests extends Requests {
  private kept: readonly ApprovalRequest[];
  private used: readonly string[];

  constructor(kept: readonly ApprovalRequest[], used: readonly string[]) {
    super();
    this.kept = kept;
    this.used = used;
  }

  all(): readonly ApprovalRequest[] {
    return this.kept;
  }

  nonces(): readonly string[] {
    return this.used;
  }

  async find(_: Tx, id: string): Promise<ApprovalRequest | undefined> {
    return this.kept.find((request) => request.id === id);
  }

  async insert(_: Tx, request: ApprovalRequest): Promise<void> {
    this.kept = [...this.kept, request];
  }

  async save(_: Tx, request: ApprovalRequest): Promise<void> {
    this.kept = this.kept.map((each) => (each.id === request.id ? request : each));
  }

  async undecided(_: Tx, where: Where): Promise<readonly ApprovalRequest[]> {
    return this.inLine((request) => {
      if (!isUndecided(request)) return false;
      if ('target' in where) return request.deployment.target.name === where.target;
      if ('release' in where) return request.release.id === where.release;
      return request.release.project === where.project && (where.environment ?? request.environment) === request.environment;
    });
  }

  async open(_: Tx, project: string): Promise<readonly ApprovalRequest[]> {
    return this.inLine(({ state, release }) => state === 'open' && release.project === project);
  }

  async olderThan(_: Tx, newer: ApprovalRequest): Promise<readonly ApprovalRequest[]> {
    return this.inLine((request) => this.isBeside(newer, request) && goesBackwards(newer.release, request.release));
  }

  async newestAfter(_: Tx, older: ApprovalRequest): Promise<number | null> {
    const newer = this.kept.filter(
      (request) => this.isBeside(older, request) && compareReleases(older.release, request.release) === 'newer',
    );
    return newestOf(newer, ({ release }) => release)?.release.number ?? null;
  }

  async current(_: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined> {
    return this.kept.find((request) => request.release.id === release && request.environment === environment && isUndecided(request));
  }

  async latest(_: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined> {
    return this.kept.findLast((request) => request.release.id === release && request.environment === environment);
  }

  async useNonce(_: Tx, nonce: string): Promise<boolean> {
    if (this.used.includes(nonce)) return false;
    this.used = [...this.used, nonce];
    return true;
  }

  private isBeside(one: ApprovalRequest, other: ApprovalRequest): boolean {
    return (
      other.id !== one.id && other.release.project === one.release.project && other.environment === one.environment && isUndecided(other)
    );
  }

  private inLine(is: (request: ApprovalRequest) => boolean): readonly ApprovalRequest[] {
    return this.kept.filter(is).toSorted((one, other) => one.release.number - other.release.number);
  }
}

function isUndecided(request: ApprovalRequest): boolean {
  return request.state === 'open' || isUnusedGrant(request);
}
