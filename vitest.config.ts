import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const conditions = ['@slipway/source', 'module', 'node', 'development|production'];

export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    include: ['{apps,libs,tools}/**/src/**/*.spec.ts', 'tools/**/*.spec.ts', 'test/**/*.spec.ts'],
    // These take minutes each: tiers of their own, each with its vitest.<tier>.config.ts.
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.{long,faults,demo,attack,upgrade}.spec.ts'],
    // Git, svn and Docker are started thousands of times, and what starts a process copies its page tables: 100 ms where all workers are threads of one.
    pool: 'forks',
    isolate: false,
    // Twice the cores we count on: what takes long waits for containers, leases and time-outs, and uses a tenth to a quarter of a core.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['./test/setup.ts'],
    globalSetup: ['./test/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
