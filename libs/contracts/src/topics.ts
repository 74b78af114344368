import type { Service } from './services.js';

/** Every topic of the suite without its prefix, and how long Kafka keeps what is in it. */
export const topics = {
  projects: { retention: 'compact' },
  targets: { retention: 'compact' },
  people: { retention: 'compact' },
  commits: { retention: '14d' },
  builds: { retention: '14d' },
  deployments: { retention: '14d' },
  approvals: { retention: '14d' },
  rollouts: { retention: '14d' },
  'sign-offs': { retention: '14d' },
  commands: { retention: '14d' },
  logs: { retention: '1d' },
  notifications: { retention: '7d' },
  'dead-letters': { retention: '14d' },
} as const satisfies Record<string, { retention: 'compact' | `${number}d` }>;

export type Topic = keyof typeof topics;

/** Where a service says what every service may say (`event.noted`, `command.accepted`): the topic only it writes. */
export const homeTopic = {
  'source-watcher': 'commits',
  'image-builder': 'builds',
  'test-deployer': 'deployments',
  approval: 'approvals',
  'production-rollout': 'rollouts',
  gateway: 'commands',
  notifier: 'notifications',
} as const satisfies Record<Service, Topic>;
