/**
 * Stands in for something that can be built only after those who hold it (the worker needs the works, a work may hold the worker).
 * Using it before `is` was called throws; what it has no idea of (Nest asks for lifecycle hooks) is undefined.
 */
export function later<T extends object>(type: abstract new (...parts: never[]) => T): { readonly part: T; is(real: T): void } {
  let real: T | undefined;
  const part = new Proxy(Object.create(type.prototype) as T, {
    get(empty, property) {
      if (!real && typeof property === 'string' && property !== 'constructor' && Object.hasOwn(type.prototype as object, property)) {
        throw new Error(
          `The ${type.name} is there when the service has started; ${property} was asked for earlier, in a constructor or onModuleInit.`,
        );
      }
      const value: unknown = Reflect.get(real ?? empty, property);
      return typeof value === 'function' && property !== 'constructor' ? value.bind(real) : value;
    },
  });
  return {
    part,
    is(built) {
      real = built;
    },
  };
}
