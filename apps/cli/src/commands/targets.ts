import { stringify } from 'yaml';
import { type Cli, noun, verb } from '../command-line.js';
import { oneLine } from '../output.js';
import { theOne } from '../references.js';
import type { Session } from '../session.js';
import { ago } from '../showing.js';

/** `slipway target …`. */
export function targetCommands(cli: Cli): void {
  const target = noun(cli, 'target', 'Places that run containers');
  verb(target, 'list', 'List targets', ['target list']).action(cli.does(list));
  verb(target, 'show <name>', 'Show a target; --yaml gives its file back', ['target show lab', 'target show lab --yaml > target.yaml'])
    .option('--yaml', 'the target file, as it can be applied again')
    .action(cli.does(show));
  verb(target, 'remove <name>', 'Remove a target', ['target remove lab', 'target remove lab --confirm lab'])
    .option('--confirm <name>', 'the name once more, instead of being asked')
    .action(cli.does(remove));
}

async function list(session: Session) {
  const { items } = await (await session.api()).listTargets({});
  const now = session.around.now();
  session.out.either({ items }, () =>
    session.out.table(
      ['TARGET', 'KIND', 'ADDRESS', 'NAMESPACE', 'VERSION', 'APPLIED', 'BY'],
      items.map(({ name, file, version, appliedAt, appliedBy }) => [
        name,
        'docker',
        oneLine(file.spec.docker.address),
        file.spec.namespace,
        String(version),
        ago(appliedAt, now),
        oneLine(appliedBy.name),
      ]),
      'there is no target yet. Bring one in: slipway apply -f target.yaml',
    ),
  );
}

async function show(session: Session, { yaml }: { yaml?: boolean }, name: string) {
  const { items } = await (await session.api()).listTargets({});
  const target = theOne(items, name, (each) => [each.name], 'target');
  const { docker, namespace } = target.file.spec;
  if (yaml) {
    session.out.raw(stringify(target.file));
    return;
  }
  session.out.either(target, () =>
    session.out.fields([
      ['target', target.name],
      ['kind', 'docker'],
      ['host', oneLine(docker.host ?? 'the one of the services (DOCKER_HOST)')],
      ['address', oneLine(docker.address)],
      ['ports', docker.ports],
      ['namespace', namespace],
      ['version', `${target.version}, applied ${target.appliedAt} by ${oneLine(target.appliedBy.name)}`],
    ]),
  );
}

async function remove(session: Session, { confirm }: { confirm?: string }, name: string) {
  await session.confirmByName(`Target ${name} will be removed: nothing is deployed to it any more.`, name, confirm);
  const removed = await (await session.api()).removeTarget({ params: { name } });
  session.out.either(removed, () => session.out.line(`target ${name} removed`));
}
