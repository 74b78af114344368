import base from './vitest.config.js';

/** `npm run test:upgrade`: two versions of the services beside each other, from the commit that test/upgrade/yesterday.json names. Takes a quarter of an hour. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/upgrade/*.upgrade.spec.ts'],
    exclude: ['**/node_modules/**'],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 700_000,
  },
};
