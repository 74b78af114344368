import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, type Finding, type PromiseNumber, Witness } from '../history/index.ts';
import type { Fleet } from './fleet.ts';
import type { Ground } from './ground.ts';
import { judgeTarget, type TargetVerdict } from './judge-target.ts';
import type { Records } from './records.ts';

/** What is said of everything that happened so far. */
export interface Judged {
  readonly target: TargetVerdict;
  /** What test/history says of the promises that do not end at the target; nothing where too much happened to be looked at. */
  readonly findings: readonly Pick<Finding, 'promise' | 'title' | 'state' | 'counts' | 'breaches' | 'unexamined'>[];
}

/** Docker has nothing of this suite: judge-target.ts holds the target's own history against these. */
const ofTheTarget: readonly PromiseNumber[] = [3, 4, 5, 9];
/** Examined but for what Docker would have: intents and grants, and all that a secret may stand in but containers and images. */
const withoutDocker: readonly PromiseNumber[] = [2, 7];
const breachesKept = 20;
/** What happened to more releases than this is too much to be read at once. The target's own history is not. */
export const mostReleases = 3_000;

/** Promises that were broken, or not examined though they could have been. */
export function unheldIn(findings: Judged['findings']): string[] {
  const isUnheld = ({ promise, state }: Judged['findings'][number]) =>
    state === 'broken' || (state === 'not examined' && !withoutDocker.includes(promise));
  return findings.filter(isUnheld).map(({ promise, state }) => `${promise} (${state})`);
}

/** Listens from the beginning, and judges all there is whenever it is asked. */
export class Judging {
  readonly #witness: Witness;
  readonly #scene: { readonly ground: Ground; readonly fleet: Fleet; readonly records: Records };

  private constructor(witness: Witness, scene: { ground: Ground; fleet: Fleet; records: Records }) {
    this.#witness = witness;
    this.#scene = scene;
  }

  static async begin(scene: { ground: Ground; fleet: Fleet; records: Records }): Promise<Judging> {
    const { parts, names, environment } = scene.ground;
    const witness = await Witness.start({
      ...{ title: 'growth', databaseUrl: parts.postgres.url, kafkaBrokers: parts.kafka.url.split(','), ...names },
      ...{ dockerHost: parts.docker.url, registry: parts.registry.url, trustFile: environment.trustFile },
    });
    return new Judging(witness, scene);
  }

  stop(): Promise<void> {
    return this.#witness.stop();
  }

  /** All of so many releases. Where anything is amiss the stories are told to `tell`, and the history is kept. */
  async judged(releases: number, tell: (text: string) => void, faultsEnded?: Date): Promise<Judged> {
    const { ground, fleet, records } = this.#scene;
    const target = await judgeTarget(ground, records);
    if (releases > mostReleases) return { target, findings: [] };
    const { dataDir, environment } = ground;
    const folders = (await readdir(ground.repositories)).filter((name) => name.endsWith('.git'));
    const suite = {
      dataDir: dataDir.path,
      urls: Object.values(environment.ports).map((port) => `http://127.0.0.1:${port}`),
      gatewayUrl: environment.gatewayUrl,
      token: fleet.token,
    };
    const history = await this.#witness.history({
      ...{ load: fleet.seen, canaries: fleet.canaries, suite, faultsEnded },
      repositories: folders.map((name) => ({ project: name.slice(0, -'.git'.length), folder: join(ground.repositories, name) })),
    });
    const { verdict, amiss, words } = await explain(history, {
      unexamined: [...ofTheTarget, ...withoutDocker],
      forgive: (_, promise) => ofTheTarget.includes(promise),
    });
    if (amiss.length > 0) tell(words);
    const findings = verdict.findings
      .filter(({ promise }) => !ofTheTarget.includes(promise))
      .map(({ breaches, ...finding }) => ({ ...finding, breaches: breaches.slice(0, breachesKept) }));
    return { target, findings };
  }
}
