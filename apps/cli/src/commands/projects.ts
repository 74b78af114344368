import { stringify } from 'yaml';
import { type Cli, noun, reasonOption, verb, waitOption } from '../command-line.js';
import { oneLine } from '../output.js';
import type { Session } from '../session.js';
import { settled } from '../settling.js';
import { ago } from '../showing.js';

/** `slipway project …`. */
export function projectCommands(cli: Cli): void {
  const project = noun(cli, 'project', 'Projects and their files');
  verb(project, 'list', 'List projects', ['project list']).action(cli.does(list));
  verb(project, 'show <name>', 'Show a project; --yaml gives its file back', [
    'project show shop',
    'project show shop --yaml > project.yaml',
  ])
    .option('--yaml', 'the project file, as it can be applied again')
    .action(cli.does(show));
  verb(project, 'refresh <name>', 'Look at its source now, not at the next poll', ['project refresh shop --reason "the webhook is broken"'])
    .addOption(reasonOption())
    .addOption(waitOption())
    .action(cli.does(refresh));
  verb(project, 'remove <name>', 'Remove a project; what runs keeps running', ['project remove shop', 'project remove shop --confirm shop'])
    .option('--confirm <name>', 'the name once more, instead of being asked')
    .action(cli.does(remove));
}

async function list(session: Session) {
  const { items } = await (await session.api()).listProjects({});
  const now = session.around.now();
  session.out.either({ items }, () =>
    session.out.table(
      ['PROJECT', 'TEAM', 'ENVIRONMENTS', 'VERSION', 'APPLIED', 'BY', ''],
      items.map(({ name, file, version, appliedAt, appliedBy, sourceFailing }) => [
        name,
        oneLine(file.metadata.team ?? '-'),
        file.spec.environments.map((each) => each.name).join(' → '),
        String(version),
        ago(appliedAt, now),
        oneLine(appliedBy.name),
        sourceFailing === null ? '' : session.out.paint('red', 'its source cannot be read'),
      ]),
      'there is no project yet. Bring one in: slipway apply -f project.yaml',
    ),
  );
}

async function show(session: Session, { yaml }: { yaml?: boolean }, name: string) {
  const project = await (await session.api()).getProject({ params: { name } });
  const { out } = session;
  if (yaml) {
    out.raw(stringify(project.file));
    return;
  }
  const { source, image, environments } = project.file.spec;
  const failing = project.sourceFailing;
  out.either(project, () => {
    out.fields([
      ['project', project.name],
      ['source', oneLine(source.git?.url ?? source.svn?.url ?? '-')],
      [
        'cannot be read',
        failing === null ? undefined : `since ${failing.since}: ${oneLine(failing.reason.message, 400)}\n→ ${oneLine(failing.mend, 400)}`,
      ],
      ['image', oneLine(image.repository)],
      ['version', `${project.version}, applied ${project.appliedAt} by ${oneLine(project.appliedBy.name)}`],
    ]);
    out.line();
    out.table(
      ['ENVIRONMENT', 'STAGE', 'AFTER', 'TARGET', 'INSTANCES', 'SIGN-OFF'],
      environments.map((each) => [
        each.name,
        each.stage,
        each.after.join(', ') || '-',
        each.target,
        String(each.app?.instances ?? project.file.spec.app.instances),
        each.stage === 'test' ? '-' : each.approval.require.map(({ role, count }) => `${count} ${role}`).join(', ') || 'by policy',
      ]),
      'it has no environment',
    );
  });
}

async function refresh(session: Session, { reason, wait }: { reason: string; wait: number }, name: string) {
  const answer = await (await session.api()).refreshProject({ params: { name }, body: { reason } });
  await settled(session, answer, wait, `project ${name} is refreshed`);
}

async function remove(session: Session, { confirm }: { confirm?: string }, name: string) {
  await session.confirmByName(
    `Project ${name} will be removed: nothing of it is built or released any more. What runs keeps running.`,
    name,
    confirm,
  );
  const removed = await (await session.api()).removeProject({ params: { name } });
  session.out.either(removed, () => session.out.line(`project ${name} removed`));
}
