import { LogAppended } from '@slipway/contracts';
import type { History } from './history.js';
import { eachIsFound, rows } from './ways-of-breaking.js';

eachIsFound({
  7: [
    {
      how: 'a build printed it in base64',
      after: (history, { two }) => {
        const value = Buffer.from(JSON.stringify({ text: `x${Buffer.from('the password is correct-horse-battery!').toString('base64')}` }));
        const headers = { ce_type: LogAppended.type, ce_correlationid: two.id };
        return { ...history, records: [...history.records, { topic: 'logs', partition: 0, offset: 0, key: null, at: 0, headers, value }] };
      },
      release: 'two',
      says: /the secret db-password stands in base64 in the record logs\[0\]@0/,
    },
    {
      how: 'a row has it',
      after: (history) => rows(history, 'gateway', 'release', (all) => [...all, { id: 'x', about: { env: 'correct-horse-battery' } }]),
      says: /stands as it is in a row of gateway\.release/,
    },
    {
      how: 'docker inspect shows it',
      after: (history) => ({
        ...history,
        docker: { ...history.docker, inspections: [{ where: 'docker inspect of shop', text: '{"Env":["P=correct-horse-battery"]}' }] },
      }),
      says: /in docker inspect of shop/,
    },
    {
      how: 'a log has it',
      after: (history) => ({ ...history, texts: [{ where: 'log of approval', text: 'GET /?p=correct-horse-battery' }] }),
      says: /in log of approval/,
    },
    {
      how: 'a manifest has it',
      after: (history) => ({
        ...history,
        registry: {
          ...history.registry,
          manifests: history.registry.manifests.map((each, at) =>
            at === 0 ? { ...each, tag: 'v1', body: '{"annotations":{"p":"correct-horse-battery"}}' } : each,
          ),
        },
      }),
      says: /stands as it is in shop:v1/,
    },
    {
      how: 'an answer has it',
      after: (history) => ({
        ...history,
        seen: [...history.seen, { kind: 'answer', what: 'a log', status: 200, answer: 'p=correct-horse-battery', asked: '', answered: '' }],
      }),
      says: /in an answer about answer/,
    },
    ...(['layer', 'page', 'process'] as const).map((is) => ({
      how: `a ${is} has it`,
      after: (history: History): History => ({
        ...history,
        texts: [...history.texts, { is, where: `some ${is}`, text: 'P=correct-horse-battery' }],
      }),
      says: new RegExp(`stands as it is in some ${is}`),
    })),
  ],
});
