// Lets plain Node run our TypeScript from source, decorators included, without a build: for tools that read the services' own tables.
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'rolldown/utils';

const isOurs = (url) => url.startsWith('file:') && url.endsWith('.ts') && !url.includes('/node_modules/');
const options = { lang: 'ts', target: 'es2023', tsconfig: false, decorator: { legacy: true, emitDecoratorMetadata: true } };

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL && isOurs(context.parentURL)) {
      const source = new URL(`${specifier.slice(0, -3)}.ts`, context.parentURL);
      if (existsSync(fileURLToPath(source))) return { url: source.href, format: 'module', shortCircuit: true };
    }
    return next(specifier, { ...context, conditions: ['@slipway/source', ...(context.conditions ?? [])] });
  },
  load(url, context, next) {
    if (!isOurs(url)) return next(url, context);
    const path = fileURLToPath(url);
    const { code, errors } = transformSync(path, readFileSync(path, 'utf8'), options);
    if (errors?.length) throw new Error(`${path}: ${errors.map((error) => error.message).join('; ')}`);
    return { format: 'module', source: code, shortCircuit: true };
  },
});
