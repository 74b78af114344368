import { type Finding, ok, skipped, warning } from './finding.js';
import { ask } from './gateway-checks.js';
import type { Place } from './service-checks.js';

/** The most of a service's /metrics that is read. */
const mostMetrics = 1024 * 1024;

/** Whether anybody would be told anything: which channels notifier has, and whether the mail server takes mail from it, which it tries for us. */
export async function checkChannels(places: readonly Place[]): Promise<Finding[]> {
  const place = places.find(({ service }) => service === 'notifier');
  if (!place) return [skipped('notifications', 'the port of notifier is not known here; run doctor on its machine')];
  const answered = await ask(`http://${place.address}/metrics`, mostMetrics);
  if ('failure' in answered || answered.status !== 200) return [skipped('notifications', 'not looked at: notifier does not answer')];
  const value = (name: string, channel: string) => valueIn(answered.text, `slipway_channel_${name}{channel="${channel}"}`);
  const [mail, webhook] = [value('configured', 'mail'), value('configured', 'webhook')];
  if (mail === undefined || webhook === undefined)
    return [skipped('notifications', 'notifier does not tell of its channels: it is of another version')];
  if (mail === 0 && webhook === 0)
    return [
      warning(
        'notifications',
        'nobody is told anything: notifier has neither a mail server nor a webhook',
        'set SLIPWAY_SMTP_URL for notifier, and SLIPWAY_SMTP_FROM, or SLIPWAY_WEBHOOK_URL',
      ),
    ];
  const on = [mail === 1 ? 'mail' : undefined, webhook === 1 ? 'webhook' : undefined].filter(Boolean).join(' and ');
  const findings = [ok('notifications', `they go by ${on}`)];
  if (mail === 0) return findings;
  return [
    ...findings,
    value('failing', 'mail') === 1
      ? warning(
          'mail server',
          'it took no mail from notifier when that tried, within the last minute',
          'the log of notifier says why; look at SLIPWAY_SMTP_URL, SLIPWAY_SMTP_USERNAME and the password file',
        )
      : ok('mail server', 'it takes mail from notifier'),
  ];
}

/** The value of a series without further labels in Prometheus' text format. */
function valueIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
