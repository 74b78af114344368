import { join } from 'node:path';
import { SourceError } from './source-error.js';

/**
 * The one ssh command line Git and Subversion may start: no configuration of the account, no agent, no password, no proxy or local command,
 * and only host keys pinned by the operator. Both programs split the text themselves, so only harmless paths go in.
 */
export function sshCommand(files: { key: string | undefined; knownHosts: string }): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    `UserKnownHostsFile=${plain(files.knownHosts)}`,
    'GlobalKnownHostsFile=/dev/null',
  ];
  options.push(
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'PasswordAuthentication=no',
    'KbdInteractiveAuthentication=no',
    'ProxyCommand=none',
  );
  options.push(
    'PermitLocalCommand=no',
    'ForwardAgent=no',
    'ClearAllForwardings=yes',
    'ConnectTimeout=15',
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
  );
  const key = files.key === undefined ? '-o IdentityFile=none' : `-i ${plain(files.key)}`;
  return `ssh -F /dev/null ${key} ${options.map((option) => `-o ${option}`).join(' ')}`;
}

function plain(path: string): string {
  if (/^\/[A-Za-z0-9_./+@=-]*$/.test(path)) return path;
  throw new SourceError(
    'refused-url',
    `ssh needs paths of letters, digits and ._/+@=- only; ${JSON.stringify(path)} has others: move SLIPWAY_SECRETS_DIR`,
  );
}

/** Where pinned host keys are. */
export function knownHostsOf(config: { knownHostsFile?: string | undefined; secretsDir?: string | undefined }): string {
  return config.knownHostsFile ?? (config.secretsDir ? join(config.secretsDir, 'known_hosts') : '/dev/null');
}
