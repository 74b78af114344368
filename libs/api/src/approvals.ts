import { ApprovalRequested, Id, Name, PersonReference, SignOffAccepted, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineRoute, PageQuery, pageOf } from './route.js';

export const SignOffView = z.object({
  person: PersonReference,
  decision: z.enum(['approve', 'reject']),
  comment: z.string(),
  via: z.enum(['http', 'key']),
  at: Time,
  /** What ran in the test environment at that moment; null too in sign-offs of before this was shown. */
  inTest: SignOffAccepted.data.shape.inTest.default(null),
});

export const ApprovalView = ApprovalRequested.data.extend({
  state: z.enum(['open', 'granted', 'rejected', 'expired', 'superseded', 'voided']),
  requestedAt: Time,
  decidedAt: Time.nullable(),
  signOffs: z.array(SignOffView),
  refusals: z.array(z.object({ person: PersonReference.nullable(), reason: z.string(), at: Time })),
});

const byId = z.strictObject({ id: Id });

export const approvalRoutes = {
  listApprovals: defineRoute({
    method: 'GET',
    path: '/api/v1/approvals',
    summary: 'Requests for sign-off; `mine=true`: those you may decide',
    permission: 'signed-in',
    query: z.strictObject({
      mine: z.enum(['true', 'false']).optional(),
      project: Name.optional(),
      state: z.string().max(20).optional(),
      ...PageQuery,
    }),
    answer: pageOf(ApprovalView),
  }),
  getApproval: defineRoute({
    method: 'GET',
    path: '/api/v1/approvals/{id}',
    summary: 'A request for sign-off',
    permission: 'release.read',
    params: byId,
    answer: ApprovalView,
  }),
  signOff: defineRoute({
    method: 'POST',
    path: '/api/v1/approvals/{id}/sign-offs',
    summary: 'Sign a request off, or send it back with a reason',
    permission: 'approval.sign-off',
    params: byId,
    body: z
      .strictObject({ decision: z.enum(['approve', 'reject']), comment: z.string().max(4000).default('') })
      .refine((said) => said.decision === 'approve' || said.comment.trim() !== '', {
        path: ['comment'],
        error: 'say why: the reason reaches the authors',
      }),
    /** `refused` by approval is a problem with status 409; `pending` when approval has not answered within 5 s. */
    answer: z.object({ request: Id, posted: Id, state: z.enum(['accepted', 'pending']), missing: z.array(z.string()) }),
  }),
};
