// What each command needs from the system, and how to tell that it is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dockerAnswers, findCommand } from './machine.mjs';

/**
 * One thing that has to be on the machine.
 *
 * @typedef {object} Need
 * @property {string[]} packages Debian packages that bring it.
 * @property {string} why Said before installing.
 * @property {() => boolean | Promise<boolean>} there True when nothing has to be installed.
 * @property {boolean} [asImage] True when its published image serves as well, on a machine with Docker that can pull images.
 */

/** @type {Record<string, Need>} */
const needs = {
  docker: {
    packages: ['docker.io', 'containerd', 'runc', 'iptables'],
    why: 'the Docker Engine that builds and runs images',
    there: async () => (await dockerAnswers()) || (process.getuid?.() === 0 && has('dockerd', 'containerd', 'runc', 'iptables')),
  },
  registry: {
    packages: ['docker-registry'],
    why: 'a registry for the images',
    there: () => Boolean(process.env.SLIPWAY_REGISTRY) || has('docker-registry'),
    asImage: true,
  },
  haproxy: { packages: ['haproxy'], why: 'the proxy in front of each environment', there: () => has('haproxy'), asImage: true },
  java: {
    packages: ['openjdk-17-jre-headless', 'maven'],
    why: 'Java and Maven, for the Kafka broker',
    there: () => Boolean(process.env.KAFKA_BROKERS) || has('java', 'mvn'),
    asImage: true,
  },
  secureKafka: {
    packages: ['openjdk-17-jre-headless', 'maven', 'openssl'],
    why: 'Java, Maven and OpenSSL, for a Kafka broker behind TLS',
    there: () => has('java', 'mvn', 'openssl'),
  },
  git: { packages: ['git'], why: 'Git', there: () => has('git') },
  subversion: { packages: ['subversion'], why: 'Subversion', there: () => has('svn', 'svnadmin', 'svnserve') },
  prometheus: {
    packages: ['prometheus'],
    why: 'Prometheus and promtool, against which rules and dashboards are tested',
    there: () => has('prometheus', 'promtool'),
  },
  compose: { packages: ['docker-compose'], why: 'docker-compose, which checks docker-compose.yml', there: () => has('docker-compose') },
  busybox: { packages: ['busybox-static'], why: 'a static busybox, the content of test images', there: () => has('busybox') },
  mmdebstrap: { packages: ['mmdebstrap'], why: 'mmdebstrap, which makes a base image without pulling one', there: () => has('mmdebstrap') },
  lfs: { packages: ['git-lfs'], why: 'Git LFS, which brings large files of Git repositories', there: () => has('git-lfs') },
  ssh: { packages: ['openssh-server', 'openssh-client'], why: 'an SSH server, for Git over ssh', there: () => has('sshd', 'ssh') },
  go: { packages: ['golang-go'], why: 'Go, which builds the fault proxy', there: () => has('go') },
  faketime: { packages: ['faketime'], why: 'faketime, which lets clocks jump', there: () => has('faketime') },
  python: {
    packages: ['python3', 'python3-venv'],
    why: 'Python, for schemathesis, the fuzzer of the API',
    there: () => has('python3') && spawnSync('python3', ['-c', 'import venv, ensurepip'], { timeout: 30_000 }).status === 0,
  },
  postgres: {
    packages: ['postgresql'],
    why: 'a Postgres server with pg_dump and psql, with which the guide to backups is typed as it stands',
    there: hasPostgres,
  },
  ip: { packages: ['iproute2'], why: 'ip, for a network of our own', there: () => has('ip') },
};

const always = ['docker', 'registry', 'haproxy', 'java', 'git'];
const forTests = [...always, 'secureKafka', 'lfs', 'subversion', 'prometheus', 'compose', 'busybox', 'mmdebstrap', 'ssh'];

/** What `npm start`, `npm run demo`, `npm test`, `npm run test:faults`, `npm run attack` and `npm run faults` need. */
export const wanted = {
  start: always.map((name) => needs[name]),
  demo: (svn) => [...always, ...(svn ? ['subversion'] : [])].map((name) => needs[name]),
  test: forTests.map((name) => needs[name]),
  'test:faults': [...forTests, 'postgres'].map((name) => needs[name]),
  attack: [...forTests, 'python'].map((name) => needs[name]),
  faults: [...forTests, 'go', 'faketime', 'ip'].map((name) => needs[name]),
};

/** What tests need, by the words for vitest: a tier has a configuration of its own, `vitest.<tier>.config.ts`, and may need more than the others. */
export function neededBy(words) {
  const [, tier] = /^vitest\.(\w+)\.config\.ts$/.exec(words[words.indexOf('--config') + 1] ?? '') ?? [];
  return wanted[`test:${tier}`] ?? wanted.test;
}

/** Those needs that are not met. */
export async function missing(list) {
  const answers = await Promise.all(list.map((need) => need.there()));
  return list.filter((_, index) => !answers[index]);
}

function has(...commands) {
  return commands.every((command) => findCommand(command) !== undefined);
}

/** Debian keeps the server's programs off PATH, a folder for each version; pg_dump must be of the server's version. */
function hasPostgres() {
  const versions = '/usr/lib/postgresql';
  const programs = ['initdb', 'postgres', 'psql', 'pg_dump', 'pg_dumpall', 'pg_restore'];
  return (
    existsSync(versions) &&
    readdirSync(versions).some((version) => programs.every((name) => existsSync(join(versions, version, 'bin', name))))
  );
}
