import { type ApiClient, apiClient } from '@slipway/api';
import { newPersonKey } from '@slipway/identity';

/** Somebody of the demo, as they come to Slipway from outside: with a token, and perhaps a key of their own. */
export interface Actor {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** The name they have in Subversion. */
  readonly account: string;
  readonly token: string;
  readonly api: ApiClient;
  readonly key: ReturnType<typeof newPersonKey> | undefined;
}

/** Who acts in the demo. */
export interface Cast {
  administrator: Actor;
  /** Writes commits 1 to 3. */
  dana: Actor;
  /** Tests. */
  tess: Actor;
  /** Operates; signs production off straight in Kafka, with his own key. */
  omar: Actor;
  /** Writes commit 4, and is a tester too. */
  theo: Actor;
}

/** What is known of the people before they are in Slipway. */
export const people = {
  dana: { name: 'Dana Developer', account: 'dana', roles: ['developer'] },
  tess: { name: 'Tess Tester', account: 'tess', roles: ['tester'] },
  omar: { name: 'Omar Operator', account: 'omar', roles: ['operator'] },
  theo: { name: 'Theo Both', account: 'theo', roles: ['developer', 'tester'] },
} as const;

/** The mail address of somebody of the demo. */
export function emailOf(account: string): string {
  return `${account}@shop.example`;
}

/** Turns the one-time administrator code into an administrator and adds the others, each redeeming their own invitation. */
export async function gatherCast(url: string, code: string, project: string): Promise<Cast> {
  const first = await apiClient({ url }).redeem({ body: { code, name: 'Ada Administrator', email: emailOf('ada') } });
  const administrator: Actor = {
    id: first.person.id,
    name: first.person.name,
    email: emailOf('ada'),
    account: 'ada',
    token: first.token,
    api: apiClient({ url, token: first.token }),
    key: undefined,
  };
  const join = (who: keyof typeof people): Promise<Actor> => joinAs(url, administrator.api, project, who);
  const [dana, tess, omar, theo] = await Promise.all([join('dana'), join('tess'), join('omar'), join('theo')]);
  return { administrator, dana, tess, omar, theo };
}

async function joinAs(url: string, administrator: ApiClient, project: string, who: keyof typeof people): Promise<Actor> {
  const { name, account, roles } = people[who];
  const email = emailOf(account);
  const added = await administrator.addPerson({
    body: { name, emails: [email], accounts: [account], roles: roles.map((role) => ({ role, project })) },
  });
  const { person, token } = await apiClient({ url }).redeem({ body: { code: added.invitation.code } });
  const api = apiClient({ url, token });
  if (who !== 'omar') return { id: person.id, name, email, account, token, api, key: undefined };
  const key = newPersonKey();
  await api.addKey({ body: { jwk: key.publicJwk } });
  return { id: person.id, name, email, account, token, api, key };
}
