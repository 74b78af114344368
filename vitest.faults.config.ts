import base from './vitest.config.js';

/** `npm run test:faults`: what takes minutes, because parts are away for minutes and leases must run out. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/{faults,restore}/**/*.faults.spec.ts'],
    exclude: ['**/node_modules/**'],
    // A whole suite each, and parts of its own: a third one leaves two cores no time to keep what is promised in seconds.
    maxWorkers: 2,
  },
};
