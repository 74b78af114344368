import type { CommandAction, Reason, Service } from '@slipway/contracts';
import type { ReleaseState } from '@slipway/release';

/** The service a command goes to, or why there is none. */
export type Owner = { readonly service: Service } | { readonly reason: Reason };

type Fixed = Exclude<CommandAction['kind'], 'release.retry' | 'release.cancel' | 'dead-letter.replay' | 'dead-letter.discard'>;

/** Who carries out what never depends on where the release is. */
const owners: Readonly<Record<Fixed, Service>> = {
  'source.refresh': 'source-watcher',
  'release.withdraw': 'approval',
  'approval.ask': 'approval',
  'environment.deploy': 'test-deployer',
  'environment.hold': 'test-deployer',
  'environment.unhold': 'test-deployer',
  'environment.scale': 'production-rollout',
  'environment.rollback': 'production-rollout',
  'ledger.rebuild': 'gateway',
  'ledger.check': 'gateway',
};

/** The one service that owns a command (design part 3). Retry and cancel go to where the release is by the ledger. */
export function ownerOf(action: CommandAction, state: ReleaseState | undefined): Owner {
  switch (action.kind) {
    case 'dead-letter.replay':
    case 'dead-letter.discard':
      return { service: action.service };
    case 'release.retry':
    case 'release.cancel':
      return state ? whereItIs(action.kind, state) : no('release-unknown', 'the ledger has not heard of this release');
    default:
      return { service: owners[action.kind] };
  }
}

const busy = {
  'release.retry': new Set(['failed', 'aborted']),
  'release.cancel': new Set(['deploying', 'verifying', 'rolling-out', 'granted']),
} as const;

function whereItIs(kind: 'release.retry' | 'release.cancel', state: ReleaseState): Owner {
  if (state.build.status !== 'built' && state.environments.length === 0) return { service: 'image-builder' };
  const found = state.environments.findLast((each) => (busy[kind] as ReadonlySet<string>).has(each.status));
  if (found) return { service: found.stage === 'test' ? 'test-deployer' : 'production-rollout' };
  const waits = state.environments.findLast((each) => each.status === 'awaiting-approval');
  if (waits) {
    return kind === 'release.cancel'
      ? no('waits-for-people', `it waits for sign-off for ${waits.environment}: reject it there, or withdraw the release`)
      : no('waits-for-people', `nothing failed: it waits for sign-off for ${waits.environment}`);
  }
  if (state.environments.length === 0) return { service: 'test-deployer' };
  return kind === 'release.cancel'
    ? no('nothing-under-way', 'nothing of this release is under way')
    : no('nothing-to-retry', 'no step of this release failed; where it was rejected or expired, ask for its sign-off anew');
}

function no(code: string, message: string): Owner {
  return { reason: { code, message } };
}
