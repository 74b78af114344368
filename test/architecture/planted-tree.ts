import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The root of this repository. */
export const root = join(import.meta.dirname, '..', '..');

/** One finding of a linter. */
export interface Finding {
  readonly file: string;
  readonly rule: string;
  readonly message: string;
}

/** A tree with our linter settings and the given files, outside of the repository, so that nothing else sees the planted violations. */
export class PlantedTree {
  private constructor(readonly folder: string) {}

  static async grow(files: Readonly<Record<string, string>>): Promise<PlantedTree> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-planted-'));
    for (const name of ['biome.json', '.oxlintrc.json', '.gitignore', 'tsconfig.base.json', 'package.json'])
      await cp(join(root, name), join(folder, name));
    await cp(join(root, 'tools', 'lint'), join(folder, 'tools', 'lint'), { recursive: true });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return new PlantedTree(folder);
  }

  /** What `biome lint` finds. */
  async biome(): Promise<Finding[]> {
    const output = await run(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--reporter=json', '--max-diagnostics=none', '.'],
      this.folder,
    );
    const report = JSON.parse(output) as {
      diagnostics: { category: string; message: unknown; location: { path: unknown }; advices?: unknown }[];
    };
    return report.diagnostics.map((found) => ({
      file: pathIn(found.location.path),
      rule: found.category,
      message: JSON.stringify([found.message, found.advices]),
    }));
  }

  /** What `oxlint --type-aware` finds. */
  async oxlint(): Promise<Finding[]> {
    const output = await run(join(root, 'node_modules/.bin/oxlint'), ['--type-aware', '--format=json', 'apps', 'libs'], this.folder);
    const report = JSON.parse(output) as { diagnostics: { code: string; message: string; filename: string }[] };
    return report.diagnostics.map((found) => ({ file: found.filename, rule: found.code, message: found.message }));
  }

  async fell(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function pathIn(path: unknown): string {
  return typeof path === 'string' ? path : ((path as { file?: string } | null)?.file ?? '');
}

/** Standard output of a program; a linter's exit code says only that it found something. */
function run(program: string, args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (stdout.trim().startsWith('{')) resolve(stdout);
      else reject(new Error(`${program} said no JSON: ${stderr || stdout || error?.message}`));
    });
  });
}
