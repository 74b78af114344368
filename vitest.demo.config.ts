import base from './vitest.config.js';

/** `npm run test:demo`: the demo and `npm start` as a person at a terminal has them, from the first line to the last thing tidied up. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/demo/*.demo.spec.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['./test/demo/an-engine.ts'],
    fileParallelism: false,
    testTimeout: 400_000,
    hookTimeout: 120_000,
  },
};
