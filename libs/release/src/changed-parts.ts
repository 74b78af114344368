import type { ResolvedDeployment } from '@slipway/contracts';
import { canonicalJson } from './canonical.js';

/** A part a grant is bound to (design part 4, promise 2): change it, and what was signed no longer stands. */
export type BoundPart = 'release' | 'image' | 'environment' | 'app' | 'secrets' | 'target' | 'policy' | 'strategy';

/** One difference between what was signed and what would run now, in words. */
export interface ChangedPart {
  readonly part: BoundPart;
  /** Where in the part: `app.env.LOG_LEVEL`. */
  readonly path: string;
  readonly text: { readonly en: string; readonly zh: string };
}

/** A few hundred letters say it; the rest is in the two deployments. */
const LONGEST = 120;

/**
 * What of the bound parts differs; empty when a grant for `signed` still stands for `now`. The project's version alone is not bound: an
 * applied file that changes nothing here voids nothing.
 */
export function changedParts(signed: ResolvedDeployment, now: ResolvedDeployment): ChangedPart[] {
  return boundParts.flatMap(({ part, of }) => differences(part, of(signed), of(now)));
}

const boundParts: readonly { part: BoundPart; of: (deployment: ResolvedDeployment) => Record<string, unknown> }[] = [
  { part: 'release', of: ({ release }) => ({ release }) },
  { part: 'image', of: ({ image }) => ({ image }) },
  { part: 'environment', of: ({ project, environment, stage }) => ({ project, environment, stage }) },
  { part: 'app', of: ({ app: { secrets: _, ...app } }) => ({ app }) },
  { part: 'secrets', of: ({ app }) => ({ secrets: Object.fromEntries(app.secrets.map(({ name, version }) => [name, version])) }) },
  { part: 'target', of: ({ target }) => ({ target }) },
  { part: 'policy', of: ({ policy }) => ({ policy }) },
  { part: 'strategy', of: ({ strategy, deadline, onFailure }) => ({ strategy, deadline, 'on-failure': onFailure }) },
];

function differences(part: BoundPart, signed: Record<string, unknown>, now: Record<string, unknown>, prefix = ''): ChangedPart[] {
  return [...new Set([...Object.keys(signed), ...Object.keys(now)])].sort().flatMap((key) => {
    const path = prefix ? `${prefix}.${key}` : key;
    const [one, other] = [signed[key], now[key]];
    if (isRecord(one) && isRecord(other)) return differences(part, one, other, path);
    return shown(one) === shown(other) ? [] : [{ part, path, text: inWords(part, path, one, other) }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : canonicalJson(value);
}

function short(value: unknown): string {
  const text = shown(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST).toWellFormed()}…` : text;
}

function inWords(part: BoundPart, path: string, one: unknown, other: unknown): ChangedPart['text'] {
  if (part === 'secrets') {
    const name = path.slice('secrets.'.length);
    if (one === undefined) return { en: `secret ${name} was added`, zh: `新增密钥 ${name}` };
    if (other === undefined) return { en: `secret ${name} was removed`, zh: `移除密钥 ${name}` };
    return { en: `secret ${name} has a new value`, zh: `密钥 ${name} 的值已更新` };
  }
  if (path === 'image.digest')
    return { en: `the image is another one: ${short(one)} became ${short(other)}`, zh: `镜像已改变：${short(one)} 变为 ${short(other)}` };
  if (one === undefined) return { en: `${path} was added: ${short(other)}`, zh: `新增 ${path}：${short(other)}` };
  if (other === undefined) return { en: `${path} was removed, it was ${short(one)}`, zh: `移除 ${path}（原为 ${short(one)}）` };
  return { en: `${path} changed from ${short(one)} to ${short(other)}`, zh: `${path} 由 ${short(one)} 变为 ${short(other)}` };
}
