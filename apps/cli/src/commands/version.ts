import { type Cli, verb } from '../command-line.js';
import type { Session } from '../session.js';

/** `slipway version`. */
export function versionCommand(cli: Cli): void {
  verb(cli.program, 'version', 'The version of this program, and of the gateway where one answers', ['version', 'version --json']).action(
    cli.does(show),
  );
}

/** The version of this program; the suite's own, as both are built together. */
export const ownVersion = '0.1.0';

async function show(session: Session) {
  const gateway = await gatewayVersion(session);
  session.out.either({ slipway: ownVersion, gateway: gateway ?? null, node: process.versions.node }, () => {
    session.out.line(`slipway ${ownVersion}`);
    if (gateway !== undefined) session.out.line(`gateway ${gateway}`);
  });
}

/** Undefined where nobody answers or nobody logged in: the version of this program is an answer too. */
async function gatewayVersion(session: Session): Promise<string | undefined> {
  try {
    return (await (await session.api()).status({ signal: AbortSignal.timeout(3000) })).version;
  } catch {
    return undefined;
  }
}
