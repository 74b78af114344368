import { request } from 'node:http';
import type { Readable } from 'node:stream';

/** An image to build from a tar stream. */
export interface ImageBuild {
  tag: string;
  context: Readable;
  dockerfile?: string;
  args?: Record<string, string>;
  target?: string;
  /** Labels, so that whoever made it finds it again. */
  labels?: Record<string, string>;
}

const longestMs = 10 * 60_000;

/** Builds with BuildKit, which leaves out the stages nobody uses. Throws with the builder's own message. */
export function buildWithBuildKit(socketPath: string, build: ImageBuild): Promise<void> {
  const query = new URLSearchParams({ version: '2', t: build.tag, dockerfile: build.dockerfile ?? 'Dockerfile' });
  query.set('buildargs', JSON.stringify(build.args ?? {}));
  query.set('labels', JSON.stringify(build.labels ?? {}));
  if (build.target !== undefined) query.set('target', build.target);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-tar' };
    const sent = request({ socketPath, method: 'POST', path: `/build?${query}`, headers, timeout: longestMs }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const failure = /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
        if (answer.statusCode !== 200) reject(new Error(`build of ${build.tag}: ${answer.statusCode} ${text.slice(0, 500)}`));
        else if (failure !== undefined) reject(new Error(`build of ${build.tag}: ${failure}`));
        else resolve();
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`build of ${build.tag}: not done within ${longestMs / 60_000} minutes`)));
    sent.on('error', reject);
    build.context.on('error', (error) => sent.destroy(error));
    build.context.pipe(sent);
  });
}
