import type { Person, RoleGrant } from '@slipway/contracts';
import { type Cli, noun, roleGrants, several, verb } from '../command-line.js';
import { Misused } from '../exit.js';
import { oneLine } from '../output.js';
import { theOne } from '../references.js';
import type { Session } from '../session.js';

interface Draft {
  name?: string;
  email?: string[];
  account?: string[];
  role?: RoleGrant[];
  language?: 'en' | 'zh';
}
interface Change extends Draft {
  addRole?: RoleGrant[];
  removeRole?: RoleGrant[];
  activate?: boolean;
  deactivate?: boolean;
}

/** `slipway person …`. */
export function personCommands(cli: Cli): void {
  const person = noun(cli, 'person', 'People, their roles and addresses');
  verb(person, 'list', 'List people', ['person list']).action(cli.does(list));
  withDraft(
    verb(person, 'add <name>', 'Add a person; gives a one-time code to hand over', [
      'person add "Tess Tester" --email tess@example.com --account tess --role tester@shop',
    ]),
  ).action(cli.does(add));
  withDraft(
    verb(person, 'change <person>', 'Change a person, named by id, name, e-mail or account', [
      'person change tess@example.com --add-role operator@shop',
      'person change "Tess Tester" --deactivate',
    ]),
  )
    .option('--name <name>', 'another name')
    .option('--add-role <role>', 'a role more', roleGrants)
    .option('--remove-role <role>', 'a role less', roleGrants)
    .option('--deactivate', 'let them do nothing any more')
    .option('--activate', 'let them in again')
    .action(cli.does(change));
  verb(person, 'invite <person>', 'Make a new one-time code for a person', ['person invite tess@example.com']).action(cli.does(invite));
}

function withDraft(command: ReturnType<typeof verb>): ReturnType<typeof verb> {
  return command
    .option('--email <address>', 'how commits and mails name them; several times', several)
    .option('--account <name>', 'what sources call them: a Subversion user, a forge account; several times', several)
    .option('--role <role>', 'developer, tester, operator, administrator or auditor; @project for one project; several times', roleGrants)
    .option('--language <language>', 'en or zh', (text) => {
      if (text !== 'en' && text !== 'zh') throw new Misused('--language: write en or zh');
      return text;
    });
}

async function list(session: Session) {
  const { items } = await (await session.api()).listPeople({});
  session.out.either({ items }, () =>
    session.out.table(
      ['NAME', 'EMAIL', 'ACCOUNTS', 'ROLES', 'KEYS', 'STATE'],
      items.map(({ name, emails, accounts, roles, keys, active }) => [
        oneLine(name),
        oneLine(emails.join(', ')) || '-',
        oneLine(accounts.join(', ')) || '-',
        roles.map(roleText).join(', ') || '-',
        String(keys.filter((key) => key.revokedAt === null).length),
        active ? 'active' : 'inactive',
      ]),
      'nobody is known yet',
    ),
  );
}

const roleText = ({ role, project }: RoleGrant): string => (project === '*' ? role : `${role}@${project}`);

async function add(session: Session, { email, account, role, language }: Draft, name: string) {
  const body = { name, emails: email ?? [], accounts: account ?? [], roles: role ?? [], ...(language === undefined ? {} : { language }) };
  const added = await (await session.api()).addPerson({ body });
  session.out.either(added, () => {
    session.out.note(
      `${oneLine(added.person.name)} added. Their one-time code, for slipway login, good until ${added.invitation.expiresAt}:`,
    );
    session.out.line(added.invitation.code);
  });
}

async function change(session: Session, options: Change, word: string) {
  const api = await session.api();
  const person = await personNamed(session, word);
  const body = changeOf(person, options);
  if (Object.keys(body).length === 0) throw new Misused('say what to change; see: slipway person change --help');
  const changed = await api.changePerson({ params: { id: person.id }, body });
  session.out.either(changed, () =>
    session.out.line(
      `${oneLine(changed.name)}: ${changed.roles.map(roleText).join(', ') || 'no role'}${changed.active ? '' : ', inactive'}`,
    ),
  );
}

function changeOf(person: Person, { name, email, account, role, addRole, removeRole, language, activate, deactivate }: Change) {
  if (activate && deactivate) throw new Misused('give either --activate or --deactivate');
  if (role && (addRole || removeRole)) throw new Misused('--role replaces all roles; give either that, or --add-role and --remove-role');
  const gone = new Set((removeRole ?? []).map(roleText));
  const roles = addRole || removeRole ? [...person.roles, ...(addRole ?? [])].filter((grant) => !gone.has(roleText(grant))) : role;
  return {
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { emails: email }),
    ...(account === undefined ? {} : { accounts: account }),
    ...(roles === undefined ? {} : { roles: [...new Map(roles.map((grant) => [roleText(grant), grant])).values()] }),
    ...(language === undefined ? {} : { language }),
    ...(activate || deactivate ? { active: activate === true } : {}),
  };
}

async function invite(session: Session, _: object, word: string) {
  const person = await personNamed(session, word);
  const invitation = await (await session.api()).invite({ params: { id: person.id } });
  session.out.either(invitation, () => {
    session.out.note(`A one-time code for ${oneLine(person.name)}, for slipway login, good until ${invitation.expiresAt}:`);
    session.out.line(invitation.code);
  });
}

async function personNamed(session: Session, word: string): Promise<Person> {
  const { items } = await (await session.api()).listPeople({});
  return theOne(items, word, ({ id, name, emails, accounts }) => [id, name, ...emails, ...accounts], 'person');
}
