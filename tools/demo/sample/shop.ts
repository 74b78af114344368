import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** One commit of the sample shop. */
export interface Change {
  /** Who makes it. */
  author: { name: string; email: string; account: string };
  message: string;
  /** What the page shows, as `data-commit`: clients tell releases apart by it. */
  commit: number;
  /** True for the commit that breaks the page: it still answers, but nobody can buy. */
  broken: boolean;
}

/** What the demo's verification looks for on the page. */
export const sellingPoint = 'Add to basket';

const dockerfile = `# No base image has to be pulled: a static web server and the pages are all there is.
FROM scratch
COPY server /server
COPY site /site
EXPOSE 8080
ENTRYPOINT ["/server", "--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"]
`;

/** Writes the files of the shop as this change leaves them; the server comes from the npm tree. */
export async function writeShop(folder: string, change: Change): Promise<void> {
  const site = join(folder, 'site');
  await mkdir(site, { recursive: true });
  await writeFile(join(folder, 'Dockerfile'), dockerfile);
  await writeFile(join(site, 'healthz'), 'ok\n');
  await writeFile(join(site, 'index.html'), page(change));
  await copyFile(createRequire(import.meta.url).resolve('@esbuild/linux-x64/bin/esbuild'), join(folder, 'server'));
  await chmod(join(folder, 'server'), 0o755);
}

/** Which commit a page of the shop is from; undefined for anything else, also for half a page. */
export function commitOnPage(body: string): string | undefined {
  return body.includes('</html>') ? /data-commit="(\d+)"/.exec(body)?.[1] : undefined;
}

function page({ commit, message, broken }: Change): string {
  const offer = broken ? '<p>TypeError: basket is undefined</p>' : `<button type="button">${sellingPoint}</button>`;
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Shop</title></head>
  <body data-commit="${commit}">
    <h1>Shop</h1>
    <p>${message}</p>
    ${offer}
  </body>
</html>
`;
}
