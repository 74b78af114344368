import { type DynamicModule, Module, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Service } from '@slipway/contracts';
import type { SealedTables } from '@slipway/identity';
import type { Reconciliation, Work } from '@slipway/operations';
import type { MigrationClass } from '@slipway/postgres';
import type { z } from 'zod';
import type { Subscriptions } from './subscriptions.js';

/** What a service is, for `boot`: everything but its own providers and controllers. */
export interface ServiceDefinition {
  readonly name: Service;
  /** A zod object whose keys are names of environment variables; `.describe()` each, `.meta({ secret: true })` where one is secret. */
  readonly config?: z.ZodType;
  /** The service's own migrations, in order; those of messaging and operations run before them. */
  readonly migrations?: readonly MigrationClass[];
  /** Tables whose rows it decides by: each has a column `seal`, written and checked by the `RowSeals` that are given to every service. */
  readonly sealed?: SealedTables;
  readonly subscriptions?: Subscriptions;
  /** Providers that do long work; each kind once. */
  readonly works?: readonly Type<Work>[];
  /** Providers that compare the service's rows with the world. */
  readonly reconcilers?: readonly Type<Reconciliation>[];
  /** Called when Nest has built the application and before it is initialised: for a global prefix, an OpenAPI page, Fastify plugins. */
  configure?(app: NestFastifyApplication): void | Promise<void>;
}

const definitions = new WeakMap<DynamicModule, ServiceDefinition>();

/** Makes a Nest module a service: import `ServiceModule.register({...})` once in the root module that is booted. */
@Module({})
export class ServiceModule {
  /** Declares the service. Nothing happens until `boot`. */
  static register(definition: ServiceDefinition): DynamicModule {
    const module: DynamicModule = { module: ServiceModule };
    definitions.set(module, definition);
    return module;
  }
}

/** The definition a root module registered; throws, naming the module, when it registered none or two. */
export function definitionOf(root: Type): ServiceDefinition {
  const imports: unknown[] = Reflect.getMetadata('imports', root) ?? [];
  const found = imports.flatMap((entry) => definitions.get(entry as DynamicModule) ?? []);
  const [only] = found;
  if (!only || found.length > 1) {
    throw new Error(`${root.name} must import ServiceModule.register({ name, … }) exactly once; it does so ${found.length} times.`);
  }
  return only;
}
