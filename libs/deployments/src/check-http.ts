import http from 'node:http';
import { type CheckResult, inSeconds, type VerifyStep } from '@slipway/contracts';

type HttpStep = Extract<VerifyStep, { http: string }>;
type Answer = { readonly status: number; readonly body: string; readonly cut: boolean };

const bodyLimit = 256 * 1024;
const shownLines = 20;

/** GET of a path of the environment: its status, and what its body has to contain. Redirects are answers, not followed. */
export async function checkHttp(step: HttpStep, address: string, signal: AbortSignal): Promise<CheckResult> {
  const began = performance.now();
  const done = (outcome: 'passed' | 'failed', message: string, body = ''): CheckResult => ({
    check: `http ${step.http}`.slice(0, 400),
    outcome,
    message: message.slice(0, 4000),
    seconds: (performance.now() - began) / 1000,
    output: body === '' ? [] : body.split('\n', shownLines).map((line) => line.slice(0, 2000)),
  });
  try {
    const { status, body, cut } = await get(new URL(address.replace(/\/$/, '') + step.http), inSeconds(step.timeout) * 1000, signal);
    if (status !== step.expect) return done('failed', `GET ${step.http} answered ${status}, expected ${step.expect}`, body);
    if (step.contains !== undefined && !body.includes(step.contains)) {
      const limit = cut ? ` in its first ${bodyLimit / 1024} KiB` : '';
      return done('failed', `GET ${step.http} answered ${status} without "${step.contains}"${limit}`, body);
    }
    return done('passed', `GET ${step.http} answered ${status}`);
  } catch (error) {
    signal.throwIfAborted();
    return done('failed', `GET ${step.http}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function get(url: URL, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, signal, headers: { 'user-agent': 'slipway-verify' } });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (cut: boolean) => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).subarray(0, bodyLimit).toString(), cut });
        request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > bodyLimit) finish(true);
      });
      response.on('end', () => finish(false));
      response.on('error', reject);
    });
  });
}
