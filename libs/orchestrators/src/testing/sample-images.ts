import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import type { DockerEngine } from '@slipway/docker-engine';
import { pack } from 'tar-stream';

/** What the sample application does with the version it was built for. */
export type Behaviour = 'good' | 'unhealthy' | 'crashing' | 'not-startable';

/** Images of a static web server made FROM scratch, pushed under a repository of their own. */
export class SampleImages {
  readonly #engine: DockerEngine;
  readonly #registry: string;
  readonly #repository: string;

  constructor(engine: DockerEngine, registry: string) {
    this.#engine = engine;
    this.#registry = registry;
    this.#repository = `${registry}/orchestrators-${randomUUID().slice(0, 8)}`;
  }

  /** Builds and pushes one and gives `repository@digest`; the host keeps no copy, so that whoever deploys it has to pull. */
  async make(version: string, behaviour: Behaviour = 'good'): Promise<{ image: string; digest: string }> {
    const tag = `${this.#repository}:${version}-${behaviour}`;
    const esbuild = createRequire(import.meta.url).resolve('@esbuild/linux-x64/bin/esbuild');
    const context = pack();
    context.entry({ name: 'Dockerfile' }, dockerfile(behaviour));
    context.entry({ name: 'esbuild', mode: 0o755 }, await readFile(esbuild));
    context.entry({ name: 'site/index.html' }, version);
    if (behaviour !== 'unhealthy') context.entry({ name: 'site/healthz' }, 'ok');
    context.finalize();
    // Tests run side by side: a layer shared through the cache may be cleaned away by another one while it is used here.
    await this.#engine.buildImage({
      context: Readable.from(context),
      tag,
      labels: { 'dev.slipway.test': this.#repository },
      noCache: true,
    });
    const { digest } = await this.#engine.push({ reference: tag });
    await this.#engine.images.remove(tag);
    return { image: `${this.#repository}@${digest}`, digest };
  }

  /** A server that takes `seconds` for GET /cgi-bin/slow and answers everything else at once; of busybox, for esbuild can't wait. */
  async makeSlow(version: string, seconds: number): Promise<{ image: string; digest: string }> {
    const tag = `${this.#repository}:${version}-slow`;
    const context = pack();
    context.entry(
      { name: 'Dockerfile' },
      'FROM scratch\nCOPY busybox /bin/busybox\nCOPY www /www\nCMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]\n',
    );
    context.entry({ name: 'busybox', mode: 0o755 }, await readFile('/bin/busybox'));
    context.entry({ name: 'www/healthz' }, 'ok');
    const script = `#!/bin/busybox sh\n/bin/busybox sleep ${seconds}\n/bin/busybox printf 'Content-Type: text/plain\\r\\n\\r\\n${version}'\n`;
    context.entry({ name: 'www/cgi-bin/slow', mode: 0o755 }, script);
    context.finalize();
    await this.#engine.buildImage({
      context: Readable.from(context),
      tag,
      labels: { 'dev.slipway.test': this.#repository },
      noCache: true,
    });
    const { digest } = await this.#engine.push({ reference: tag });
    await this.#engine.images.remove(tag);
    return { image: `${this.#repository}@${digest}`, digest };
  }

  /** A digest that the registry has never seen. */
  missing(): { image: string; digest: string } {
    const digest = `sha256:${'0'.repeat(64)}`;
    return { image: `${this.#repository}@${digest}`, digest };
  }

  get registry(): string {
    return this.#registry;
  }

  /** Takes away what the builds left on the host. */
  async clean(): Promise<void> {
    for (const image of await this.#engine.images.list({ labels: { 'dev.slipway.test': this.#repository } })) {
      await this.#engine.images.remove(image.id, { force: true }).catch(() => undefined);
    }
  }
}

function dockerfile(behaviour: Behaviour): string {
  const serve = '"--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"';
  const command = { good: serve, unhealthy: serve, crashing: '"--no-such-option"', 'not-startable': serve }[behaviour];
  const binary = behaviour === 'not-startable' ? '/no-such-file' : '/esbuild';
  return `FROM scratch\nCOPY esbuild /esbuild\nCOPY site /site\nENTRYPOINT ["${binary}"]\nCMD [${command}]\n`;
}
