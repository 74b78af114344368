import type { ApprovalRequested, DataOf, PersonReference, SignOffAccepted } from '@slipway/contracts';
import type { Told } from '@slipway/release';

/** A request for sign-off as people see it: what is asked, who said what, and what became of it. */
export interface RequestView extends DataOf<typeof ApprovalRequested> {
  readonly state: 'open' | 'granted' | 'rejected' | 'expired' | 'superseded' | 'voided';
  readonly requestedAt: string;
  readonly decidedAt: string | null;
  readonly signOffs: readonly {
    readonly person: PersonReference;
    readonly decision: 'approve' | 'reject';
    readonly comment: string;
    readonly via: 'http' | 'key';
    readonly at: string;
    readonly inTest: DataOf<typeof SignOffAccepted>['inTest'];
  }[];
  readonly refusals: readonly { readonly person: PersonReference | null; readonly reason: string; readonly at: string }[];
}

const endings: Readonly<Record<string, RequestView['state']>> = {
  'approval.granted': 'granted',
  'approval.rejected': 'rejected',
  'approval.expired': 'expired',
  'approval.superseded': 'superseded',
  'approval.voided': 'voided',
};

/** Refusals are kept as the newest of these: whoever knocks all night fills no disk. */
const mostRefusals = 100;

/** A request after one more event about it, which must come after all that `before` was folded of. Undefined until it was asked. */
export function requestAfter(before: RequestView | undefined, event: Told): RequestView | undefined {
  if (event.name === 'approval.requested') return { ...(before ?? fresh(event.time)), ...event.data };
  return before && after(before, event);
}

function fresh(requestedAt: string): Pick<RequestView, 'state' | 'requestedAt' | 'decidedAt' | 'signOffs' | 'refusals'> {
  return { state: 'open', requestedAt, decidedAt: null, signOffs: [], refusals: [] };
}

function after(view: RequestView, event: Told): RequestView {
  if (event.name === 'sign-off.accepted') {
    const { person, decision, comment, via, missing, inTest } = event.data;
    return { ...view, missing, signOffs: [...view.signOffs, { person, decision, comment, via, at: event.time, inTest }] };
  }
  if (event.name === 'sign-off.refused') {
    const refusal = { person: event.data.person, reason: event.data.reason.message, at: event.time };
    return { ...view, refusals: [...view.refusals, refusal].slice(-mostRefusals) };
  }
  const state = endings[event.name];
  // A grant that is reissued was decided the first time.
  if (!state || (state === view.state && view.decidedAt !== null)) return view;
  return { ...view, state, decidedAt: event.time, missing: state === 'granted' ? [] : view.missing };
}
