import type { Type } from '@nestjs/common';
import { type Route, routes } from '@slipway/api';
import { ROUTE } from './asked.js';

/** What is wrong between the table of routes and the methods that serve them, as sentences; empty when each has exactly one of the other. */
export function faultsOfTable(controllers: readonly Type[], table: Readonly<Record<string, Route>> = routes): string[] {
  const served = controllers.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype).flatMap((method) => {
      const handler: unknown = controller.prototype[method];
      const route = typeof handler === 'function' ? (Reflect.getMetadata(ROUTE, handler) as Route | undefined) : undefined;
      return route ? [{ route, where: `${controller.name}.${method}` }] : [];
    }),
  );
  const known = new Set(Object.values(table));
  return [
    ...Object.entries(table).flatMap(([name, route]) => {
      const by = served.filter((each) => each.route === route).map(({ where }) => where);
      if (by.length === 1) return [];
      return [
        by.length === 0
          ? `no method serves route ${name} (${route.method} ${route.path}).`
          : `route ${name} is served by ${by.join(' and ')}.`,
      ];
    }),
    ...served
      .filter(({ route }) => !known.has(route))
      .map(({ where, route }) => `${where} serves ${route.method} ${route.path}, which is not in the table.`),
  ];
}
