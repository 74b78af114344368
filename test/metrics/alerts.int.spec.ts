import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type AlertRule, alertRules, prometheusFolder } from './shipped.ts';

const run = promisify(execFile);
const promtool = (...args: string[]) => run('promtool', args, { timeout: 60_000 });
const told = join(import.meta.dirname, 'slipway.rules.test.yml');

describe('the configuration of Prometheus', () => {
  it('is valid to promtool', async () => {
    await expect(promtool('check', 'config', join(prometheusFolder, 'prometheus.yml'))).resolves.toMatchObject({
      stdout: expect.stringContaining('is valid prometheus config file syntax'),
    });
  });

  it('has rules that promtool takes without a complaint', async () => {
    await expect(
      promtool('check', 'rules', '--lint=all', '--lint-fatal', join(prometheusFolder, 'slipway.rules.yml')),
    ).resolves.toMatchObject({ stderr: '' });
  });

  it('alerts when it should and only then', async () => {
    await expect(promtool('test', 'rules', told)).resolves.toMatchObject({ stdout: expect.stringContaining('SUCCESS') });
  });

  it('has no alert that was never seen firing', async () => {
    const text = JSON.stringify(parse(await readFile(told, 'utf8')));
    const firing = new Set([...text.matchAll(/ALERTS\{alertname=\\"(\w+)\\",alertstate=\\"firing\\"/g)].map(([, name]) => name));
    expect((await alertRules()).map(({ alert }) => alert).filter((name) => !firing.has(name))).toEqual([]);
  });

  it('says of every alert how bad it is, what is wrong and what to do', async () => {
    const faulty = ({ labels, annotations }: AlertRule) =>
      !['critical', 'warning'].includes(labels['severity'] ?? '') || !annotations['summary'] || !annotations['description'];
    expect((await alertRules()).filter(faulty)).toEqual([]);
  });
});
