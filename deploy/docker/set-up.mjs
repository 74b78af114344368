// Runs once before the services of docker-compose.yml: makes each its key and its database role, and gives each a folder only it may read.
// Run again it keeps what is there.
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { services } from '@slipway/contracts';
import { initKeys, keyFileIn, trustFileIn } from '@slipway/identity';
import { provision } from '@slipway/postgres';

const data = process.env.SLIPWAY_DATA ?? '/var/lib/slipway';
const account = Number(process.env.SLIPWAY_UID ?? 10001);
const adminUrl = process.env.DATABASE_URL;
if (!adminUrl) throw new Error('DATABASE_URL is not set: it names the Postgres in which roles and schemas are made.');

const folder = await own(join(data, 'setup'), undefined);
const passwordFile = join(folder, 'passwords.json');
const passwords = JSON.parse(await readFile(passwordFile, 'utf8').catch(() => '{}'));
const made = await provision({ adminUrl, services, passwords, singleRole: process.env.SLIPWAY_DB_SINGLE_ROLE === '1' });
await writeFile(passwordFile, JSON.stringify(made.passwords), { mode: 0o600 });
await initKeys({ dir: folder, services });
await own(join(folder, 'for'), undefined, 0o711);
for (const service of services) {
  const place = await own(join(folder, 'for', service), account);
  await give(join(place, 'key.json'), await readFile(keyFileIn(folder, service)));
  await give(join(place, 'database-url'), `${made.urls[service]}\n`);
  await give(join(place, 'trust.json'), await readFile(trustFileIn(folder)));
}
// Only the way to these folders is open to all; a service mounts its own, and the one Prometheus reads as a user of its own.
for (const name of ['data', 'secrets']) await own(join(data, name), undefined, 0o711);
await own(join(data, 'data/prometheus'), account, 0o755);
for (const service of services) {
  await own(join(data, 'data', service), account);
  await own(join(data, 'data', service, 'prometheus'), account);
  await own(join(data, 'secrets', service), account);
}
process.stdout.write(`keys, databases and folders are ready for ${services.join(', ')}\n`);

/** Makes a folder that belongs to the services' account, or to root. */
async function own(path, uid, mode = 0o700) {
  await mkdir(path, { recursive: true, mode });
  if (uid !== undefined && process.getuid?.() === 0) await chown(path, uid, uid);
  return path;
}

/** A file only the services' account may read; each service mounts nothing but its own folder. */
async function give(file, content) {
  await writeFile(file, content, { mode: 0o600 });
  if (process.getuid?.() === 0) await chown(file, account, account);
}
