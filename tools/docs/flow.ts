import { type EventDefinition, type Service, services } from '@slipway/contracts';
import type { House, Told } from './house.ts';

/** They tell people and machines outside what happened: arrows to them would hide how a release goes its way. */
const listeners: readonly Service[] = ['gateway', 'notifier'];

/** What is wrong with how events go round, as sentences. */
export function flowFaults(house: House): string[] {
  const faults = services
    .filter((service) => !house.tables.has(service))
    .map((service) => `apps/${service}/src/subscriptions.ts is missing or exports no \`subscriptions\`.`);
  for (const told of house.events) {
    const { event, constant } = told;
    if (!isPublished(told, house))
      faults.push(`${event.name}: nobody publishes it; no source of ${event.writer} says publish(${constant}, …).`);
    const wanted = hearersOf(event, house).some((service) => !listeners.includes(service));
    const concernsListeners = event.actedOnBy.some((service) => listeners.includes(service));
    if (!wanted && !concernsListeners && !event.information) {
      faults.push(`${event.name}: no service but gateway and notifier wants it; mark it \`information: true\` or drop it.`);
    }
  }
  return faults;
}

/** The services whose tables name the event. */
export function hearersOf(event: EventDefinition, house: House): Service[] {
  return services.filter((service) => house.tables.get(service)?.entries.some((entry) => entry.event.name === event.name));
}

/** The services that may write it. */
export function writersOf(event: EventDefinition): readonly Service[] {
  if (event.writer === 'outside') return [];
  return event.writer === 'every' ? services : [event.writer];
}

/**
 * Whether a source of its writer gives the event's constant to something: `publish(ImageBuilt, …)`, `{ event: ImageBuilt }`. Types, imports and the
 * subscription table do not count. What comes from outside is published by others.
 */
export function isPublished({ event, constant }: Told, house: House): boolean {
  if (event.writer === 'outside') return true;
  const isWriters = (path: string) => path.startsWith('libs/') || event.writer === 'every' || path.startsWith(`apps/${event.writer}/`);
  const given = new RegExp(String.raw`(?:[(,\[?:]|=>|return)\s*${constant}\s*[,)\]};:]`);
  const read = new RegExp(String.raw`(?:on|typeof)\s*[(<]?\s*${constant}\b|typeof\s+${constant}\b`, 'g');
  return [...house.sources].some(([path, text]) => {
    if (!isWriters(path) || path.startsWith('libs/contracts/') || path.endsWith('/subscriptions.ts')) return false;
    // What every service may say is said for it by messaging, in part straight on the wire.
    if (event.writer === 'every' && path.startsWith('libs/messaging/') && text.includes(`${constant}.type`)) return true;
    const code = text.replace(/^(?:import|export)\s[^;]*?from\s*'[^']+';/gms, '').replace(read, '');
    return given.test(code);
  });
}

/** docs/flow.md: who says what to whom. */
export function flowPage(house: House): string {
  const lines = [
    '# Who says what to whom',
    '',
    'Drawn from the subscription tables of the services and the catalog of contracts by `node tools/docs/generate.ts --write`; not to be edited.',
    `${listeners.map((service) => `${service} hears ${howMuch(service, house)}`).join(', ')}; they are left out of the drawing, except for what they say.`,
    '',
    '```mermaid',
    'flowchart LR',
    ...services.map((service) => `  ${service}([${service}])`),
    '  outside([people and other systems])',
    ...arrows(house).map(({ from, to, names }) => `  ${from} -- "${names.join('<br/>')}" --> ${to}`),
    '```',
    '',
    '| service | hears | says |',
    '| --- | --- | --- |',
    ...services.map((service) => `| ${service} | ${list(heardBy(service, house))} | ${list(saidBy(service, house))} |`),
    '',
    `Every service may also say ${list(house.events.filter((told) => told.event.writer === 'every').map((told) => told.event.name))}, on its own topic.`,
    '',
  ];
  return lines.join('\n');
}

function arrows(house: House): { from: string; to: string; names: string[] }[] {
  const found = new Map<string, { from: string; to: string; names: string[] }>();
  for (const { event } of house.events) {
    if (event.writer === 'every') continue;
    for (const to of hearersOf(event, house)) {
      if (listeners.includes(to) && event.writer !== 'outside') continue;
      const arrow = found.get(`${event.writer} ${to}`) ?? { from: event.writer, to, names: [] };
      arrow.names.push(event.name);
      found.set(`${event.writer} ${to}`, arrow);
    }
  }
  return [...found.values()].sort((one, other) => `${one.from} ${one.to}`.localeCompare(`${other.from} ${other.to}`));
}

/** How much of what is said a service hears, in words. */
function howMuch(service: Service, house: House): string {
  const heard = heardBy(service, house);
  if (heard[0] === 'everything') return 'everything';
  return heard.length === 0 ? 'nothing' : `${heard.length} of the ${house.events.length} events, which the table names`;
}

function heardBy(service: Service, house: House): string[] {
  const heard = house.events.filter(({ event }) => hearersOf(event, house).includes(service)).map(({ event }) => event.name);
  return heard.length === house.events.length ? ['everything'] : heard;
}

function saidBy(service: Service, house: House): string[] {
  return house.events.filter(({ event }) => event.writer === service).map(({ event }) => event.name);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? '–' : names.join(', ');
}
