import type { AddressInfo } from 'node:net';
import { freePort } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotifierModule } from './notifier.module.js';

let stage: Stage;
let smtp: SMTPServer;

beforeAll(async () => {
  smtp = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'] });
  smtp.on('error', () => undefined);
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  stage = await aStage({ ear: 'gateway' });
});
afterAll(async () => {
  await stage.clear();
  await new Promise<void>((resolve) => smtp.close(resolve));
});

/** What a notifier with these settings tells of its channels. */
async function channels(settings: Record<string, string>): Promise<string[]> {
  const { url } = await stage.start(NotifierModule, settings);
  const text = await (await fetch(new URL('/metrics', url))).text();
  return text.split('\n').filter((line) => line.startsWith('slipway_channel_'));
}

describe('the ways out of notifier', () => {
  it('are tried, so that doctor can say whether a mail would go', async () => {
    expect(await channels({ SLIPWAY_SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}` })).toEqual([
      'slipway_channel_configured{channel="mail"} 1',
      'slipway_channel_configured{channel="webhook"} 0',
      'slipway_channel_failing{channel="mail"} 0',
    ]);
    expect(await channels({ SLIPWAY_SMTP_URL: `smtp://127.0.0.1:${await freePort()}` })).toContain(
      'slipway_channel_failing{channel="mail"} 1',
    );
  });

  it('are none where nothing is set', async () => {
    expect(await channels({})).toEqual(['slipway_channel_configured{channel="mail"} 0', 'slipway_channel_configured{channel="webhook"} 0']);
  });
});
