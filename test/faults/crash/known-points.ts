import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { routes } from '@slipway/api';
import { subscriptions as ofApproval } from '@slipway/approval';
import { catalog, services } from '@slipway/contracts';
import { subscriptions as ofGateway } from '@slipway/gateway';
import { subscriptions as ofImageBuilder } from '@slipway/image-builder';
import { subscriptions as ofNotifier } from '@slipway/notifier';
import { subscriptions as ofProductionRollout } from '@slipway/production-rollout';
import { subscriptions as ofSourceWatcher } from '@slipway/source-watcher';
import { subscriptions as ofTestDeployer } from '@slipway/test-deployer';
import { root } from '../../../tools/suite/services.ts';
import { shapeOf } from './shape.ts';

const tables = [ofApproval, ofGateway, ofImageBuilder, ofNotifier, ofProductionRollout, ofSourceWatcher, ofTestDeployer];

/** Two routes that are no part of the documented API. */
const hooks = ['source-watcher · POST /webhooks/*', 'source-watcher · POST /subversion/*'];

/**
 * Every place of the product at which something is decided in a transaction or said, as its tables of contents name it: `service · what` of the crash points
 * there are. What a service asks of parts is not among them: no table names it.
 */
export function placesInCode(): string[] {
  const handlers = tables.flatMap(({ service, entries }) => entries.map(({ event }) => `${service} · on ${event.name}`));
  const sayings = [...catalog.values()]
    .filter(({ writer }) => services.includes(writer as never))
    .map(({ writer, name }) => `${writer} · says ${name}`);
  const asked = Object.values(routes)
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `gateway · ${method} ${shapeOf(path)}`);
  return [...new Set([...handlers, ...sayings, ...asked, ...hooks, ...works()])].sort();
}

/** Long work: a file each. */
function works(): string[] {
  return services.flatMap((service) =>
    readdirSync(join(root, 'apps', service, 'src')).flatMap((file) => {
      const kind = /^run-([a-z-]+)\.ts$/.exec(file)?.[1];
      return kind === undefined ? [] : [`${service} · run ${kind}`];
    }),
  );
}

/** Something is decided or said there. What a service asks of parts, which no table names, changes with what it finds. */
export function isOfCode(place: string): boolean {
  return / · (on|run|says|POST|PUT|PATCH|DELETE) /.test(place);
}

/** Work that every service owes, as it is born with it. */
const everybodysWork = / · run dead-letter$/;

/** A part is asked there that every release needs: by names that are the same for every project. */
export function isOfParts(place: string): boolean {
  return / · (docker|registry|git) /.test(place);
}

/** No table names who says or does these: any service may. */
export function isAnybodys(place: string): boolean {
  if (everybodysWork.test(place)) return true;
  const [, said] = / · says (.+)$/.exec(place) ?? [];
  const writer = catalog.get(said ?? '')?.writer;
  return writer === 'every' || writer === 'outside';
}

/** `service · what` of a point. */
export function placeOf(point: string): string {
  return point.split(' · ').slice(0, 2).join(' · ');
}

/** The places of the code that no recorded point is at. */
export function unreachedBy(points: readonly string[]): string[] {
  const recorded = new Set(points.map(placeOf));
  return placesInCode().filter((place) => !recorded.has(place));
}
