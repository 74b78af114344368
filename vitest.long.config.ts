import base from './vitest.config.js';

/** `npm run test:long`: what `npm test` has no time for, on the same real parts: whole images, and the rarer ways of a target. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['{apps,libs}/**/src/**/*.long.spec.ts', 'test/**/*.long.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
  },
};
