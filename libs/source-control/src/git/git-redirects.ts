import { presentable, SourceError } from '../source-error.js';
import { guardUrl } from '../source-url.js';

/** Whether a Git that follows no redirect was sent on. */
export function sentOn(stderr: string): boolean {
  return /The requested URL returned error: 30[12378]/.test(stderr);
}

/**
 * Where the server wants us to go, read from what `GIT_TRACE_CURL` prints. Only the same server may say so, or the same one by https: one that sends
 * us elsewhere could have us ask any address this machine reaches (facts/reliability.md 1.4, SSRF). Throws `refused-url`, naming what to write instead.
 */
export function redirectOf(url: string, trace: string): string {
  const location = [...trace.matchAll(/Recv header: location: *(\S+)/gi)].at(-1)?.[1];
  const asked = new URL(`${url.replace(/\/+$/, '')}/info/refs`);
  const to = location !== undefined && URL.canParse(location, asked.href) ? new URL(location, asked) : undefined;
  const [, base] = /^(.*)\/info\/refs\?service=git-upload-pack$/.exec(to?.href ?? '') ?? [];
  if (to === undefined || base === undefined)
    throw new SourceError('not-a-repository', 'what answers there is no Git repository: the server sends us on to a page');
  const sameServer = to.origin === asked.origin;
  const sameByTls = asked.protocol === 'http:' && to.protocol === 'https:' && to.hostname === asked.hostname && !asked.port && !to.port;
  if (!sameServer && !sameByTls) {
    const instead = presentable(base);
    throw new SourceError(
      'refused-url',
      `the server sends us on to another one, which is not followed; if it is right, write ${instead} as url`,
    );
  }
  return guardUrl('git', base).url;
}

/** Settings, as variables, that make a Git ask another url where it is told this one. */
export function insteadOf(url: string, other: string | undefined): Record<string, string> {
  return other === undefined ? {} : { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `url.${other}.insteadOf`, GIT_CONFIG_VALUE_0: url };
}
