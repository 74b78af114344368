import type { Told } from './event-order.js';
import type { Words } from './timeline.js';

/** A part that a service needs for a release and that does not answer. */
export interface AwayPart {
  /** The service that waits for it. */
  readonly service: string;
  /** Where it is needed; null where all of the release's ways need it. */
  readonly environment: string | null;
  readonly part: string;
  readonly since: string;
  /** What came instead of an answer; absent in what was folded before it was kept. */
  readonly reason?: string;
}

const parts: Record<string, Words> = {
  target: { en: 'the target', zh: '目标环境' },
  registry: { en: 'the registry', zh: '镜像仓库' },
  'docker-engine': { en: 'the Docker Engine', zh: 'Docker Engine' },
  source: { en: 'the repository', zh: '代码仓库' },
  approval: { en: 'the approval service', zh: '审批服务' },
};

/** What is waited for of a part: that it answers again; of approval, which answers, that it has heard what runs in an environment. */
export function awaitedWords({ part, environment, since, reason }: AwayPart): Words {
  const { en, zh } = partWords(part, environment);
  return part === 'approval'
    ? { en: `${en} to hear what runs there, since ${since}`, zh: `等待${zh}获知其中运行的版本，自 ${since} 起` }
    : {
        en: `${en} to answer again, away since ${since}${reason ? `: ${reason}` : ''}`,
        zh: `等待${zh}恢复，自 ${since} 起无响应${reason ? `：${reason}` : ''}`,
      };
}

/** How people call a part of `part.away`. */
export function partWords(part: string, environment: string | null = null): Words {
  const { en, zh } = parts[part] ?? { en: part, zh: part };
  return environment === null ? { en, zh } : { en: `${en} of ${environment}`, zh: `${environment} 的${zh}` };
}

/** What is away after one more event; the same list where the event says nothing about it. One service waits for one part at a time, in one environment. */
export function foldAway(away: readonly AwayPart[], event: Told, id: string): readonly AwayPart[] {
  if ((event.name !== 'part.away' && event.name !== 'part.back') || event.data.release !== id) return away;
  const { environment, part } = event.data;
  const others = away.filter((each) => each.service !== event.source || each.environment !== environment);
  if (event.name === 'part.away') {
    const { since, reason } = event.data;
    return [...others, { service: event.source, environment, part, since, reason }];
  }
  return others.length === away.length ? away : others;
}
