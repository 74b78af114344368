import { catalog } from '@slipway/contracts';
import { parseType } from '@slipway/messaging';
import { asTold, type Told } from '@slipway/release';
import type { JournalRow } from './ports.js';

/**
 * The event of a journal row, brought up to the newest version as messaging did when it came. Undefined for what this code does not know
 * (a row a newer version of the gateway wrote). Its signature was verified when it was received.
 */
export function toldOf({ headers, value, receivedAt }: Pick<JournalRow, 'headers' | 'value' | 'receivedAt'>): Told | undefined {
  const type = parseType(headers['ce_type']);
  const definition = type && catalog.get(type.name);
  if (!type || !definition || type.version > definition.version) return undefined;
  let data: unknown = JSON.parse(value.toString('utf8'));
  for (let at = type.version; at < definition.version; at++) data = definition.upcast[at]?.(data);
  const parsed = definition.data.safeParse(data);
  if (!parsed.success) return undefined;
  const sequence = headers['ce_sequence'];
  return asTold({
    id: headers['ce_id'] ?? '',
    name: definition.name,
    source: headers['ce_source'] ?? '',
    subject: headers['ce_subject'] ?? '',
    time: headers['ce_time'] ?? receivedAt.toISOString(),
    sequence: sequence !== undefined && /^[0-9]{1,15}$/.test(sequence) ? Number(sequence) : undefined,
    causationId: headers['ce_causationid'],
    data: parsed.data,
  });
}
