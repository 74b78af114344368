import { messagingPrunings, type Pruning } from '@slipway/messaging';
import { operationPrunings } from '@slipway/operations';
import { z } from 'zod';

const days = (least: number, usual: number, help: string) => z.coerce.number().int().min(least).max(3650).default(usual).describe(help);

const usualOperationsDays = 90;

/** How long every service keeps what is over (docs/adr/0011). */
export const keepingSettings = {
  SLIPWAY_KEEP_INBOX_DAYS: days(
    22,
    30,
    'How long it is known which events were handled, in days; Kafka keeps a record of ours up to 21. Where topics were made to keep them longer, set more than that',
  ),
  SLIPWAY_KEEP_OUTBOX_DAYS: days(1, 15, 'How long events stay in the outbox after Kafka and all who must act on them have them, in days'),
  SLIPWAY_KEEP_OPERATIONS_DAYS: days(
    22,
    usualOperationsDays,
    'How long finished operations are kept, in days; no shorter than SLIPWAY_KEEP_INBOX_DAYS',
  ),
  SLIPWAY_KEEP_DEAD_LETTERS_DAYS: days(
    1,
    90,
    'How long dead letters are kept that were dealt with or that no service of Slipway wrote, in days; the others stay until somebody deals with them',
  ),
};

type Kept = { readonly [Name in keyof typeof keepingSettings]: number };

/** An event that can still come in must find the operation it owed before. The fault names the variable that was set. */
export function keepOperationsLongEnough(kept: Kept, context: z.RefinementCtx): void {
  const { SLIPWAY_KEEP_OPERATIONS_DAYS: operations, SLIPWAY_KEEP_INBOX_DAYS: inbox } = kept;
  if (operations >= inbox) return;
  const name = operations === usualOperationsDays ? 'SLIPWAY_KEEP_INBOX_DAYS' : 'SLIPWAY_KEEP_OPERATIONS_DAYS';
  const message = `operations would be kept ${operations} days, shorter than the ${inbox} of the inbox; set SLIPWAY_KEEP_OPERATIONS_DAYS to no less`;
  context.addIssue({ code: 'custom', path: [name], message });
}

/** What is pruned in every service. */
export function prunings(kept: Kept): Pruning[] {
  return [
    ...messagingPrunings({ outboxDays: kept.SLIPWAY_KEEP_OUTBOX_DAYS, deadLettersDays: kept.SLIPWAY_KEEP_DEAD_LETTERS_DAYS }),
    ...operationPrunings({ operationsDays: kept.SLIPWAY_KEEP_OPERATIONS_DAYS }),
  ];
}
