// Installs what is missing, after saying so.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstallByApt, dockerAnswers, isDebian } from './machine.mjs';
import { missing } from './needs.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const ownNode = join(root, 'node_modules', '.bin', 'node');
const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# slipway: no service is started while its set-up installs packages';

/** Thrown for what the person has to do; its message is all they need to see. */
export class SetupError extends Error {}

/**
 * Says what will be installed, then installs it: system packages by apt where that is possible, npm packages always. Gives the path of the Node to go on with.
 */
export async function prepare(needs) {
  const lacking = await missing(needs);
  const npm = !packagesInstalled();
  const { install, images, byHand } = await sort(lacking);
  if (byHand.length > 0) throw new SetupError(handInstructions(byHand));
  if (npm) say('Will install the npm packages of package-lock.json into node_modules (npm ci, about 600 MB).');
  for (const need of install) say(`Will install by apt: ${need.packages.join(' ')}: ${need.why}.`);
  for (const need of images) say(`Will use a published image for ${need.why}.`);
  if (npm) await run('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], { cwd: root });
  if (install.length > 0) await installByApt(install.flatMap((need) => need.packages));
  return nodeToUse();
}

/** The Node the npm packages bring, else this one where it is new enough. */
function nodeToUse() {
  if (existsSync(ownNode)) return ownNode;
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) return process.execPath;
  throw new SetupError(
    `Node 24 is needed and the npm packages bring none for ${process.platform}-${process.arch}. Install it (this is ${process.version}) and run the command again.`,
  );
}

function packagesInstalled() {
  const major = Number(process.versions.node.split('.')[0]);
  // npm writes this file last, so a broken-off install is seen.
  return existsSync(join(root, 'node_modules', '.package-lock.json')) && (existsSync(ownNode) || major >= 24);
}

async function sort(lacking) {
  if (canInstallByApt()) return { install: lacking, images: [], byHand: [] };
  const docker = await dockerAnswers();
  const images = lacking.filter((need) => need.asImage && docker);
  return { install: [], images, byHand: lacking.filter((need) => !images.includes(need)) };
}

function handInstructions(needs) {
  const list = needs.map((need) => `  - ${need.why} (Debian: ${need.packages.join(' ')})`).join('\n');
  const command = isDebian()
    ? `\nAs root:\n  apt-get install --no-install-recommends ${needs.flatMap((need) => need.packages).join(' ')}\n`
    : '\n';
  return `Please install first, and start Docker if it is not running:\n${list}\n${command}Then run the command again.`;
}

async function installByApt(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const lock = ['-o', 'DPkg::Lock::Timeout=120', '-q'];
  const allow = denyServices();
  try {
    await run('apt-get', [...lock, 'update'], { env, quiet: true });
    await run('apt-get', [...lock, 'install', '-y', '--no-install-recommends', ...packages], { env, quiet: true });
  } finally {
    allow();
  }
}

/** Keeps apt from starting the services it installs: what we need we start ourselves, and stop. */
function denyServices() {
  if (existsSync(policyFile) && !readFileSync(policyFile, 'utf8').includes(policyMark)) return () => {};
  writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  const remove = () => rmSync(policyFile, { force: true });
  process.once('exit', remove);
  return remove;
}

function run(command, args, { cwd, env = process.env, quiet = false }) {
  say(`> ${command} ${args.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-4000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const pass = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    const end = () => {
      for (const signal of signals) process.off(signal, pass);
    };
    child.once('error', (error) => {
      end();
      reject(new SetupError(`${command} could not be run: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      end();
      if (code === 0) resolve();
      else
        reject(
          new SetupError(
            `${output ? `${output.trimEnd()}\n` : ''}${command} ${args[0]} ended ${signal ? `by ${signal}` : `with code ${code}`}.`,
          ),
        );
    });
  });
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
