import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

interface Cost {
  /** log2 of the work factor N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 150 ms a guess: one of the settings OWASP's password storage cheat sheet calls equal. */
const COST: Cost = { ln: 15, r: 8, p: 3 };

/** A row may not make us spend more than this, whoever wrote it. */
const DEAREST: Cost = { ln: 17, r: 8, p: 4 };

const LONGEST = 1024;
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

/**
 * Hashes a password for storage: scrypt in PHC form, with its cost in the string so that it can be raised later.
 *
 * @throws RangeError for more than 1024 bytes, which only an attacker types.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${unpadded(salt)}$${unpadded(hash)}`;
}

/**
 * Whether this is the password that was hashed. Pass undefined where there is no such person: it takes as long and says no,
 * so that nobody learns from the clock who has an account.
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const parsed = stored === undefined ? undefined : parse(stored);
  if (Buffer.byteLength(password) > LONGEST) return false;
  const hash = await derive(password, parsed?.salt ?? Buffer.alloc(16), parsed?.cost ?? COST);
  return parsed !== undefined && timingSafeEqual(hash, parsed.hash);
}

/** Whether a stored hash is cheaper than today's cost, or none of ours: hash the password anew at the next sign-in. */
export function needsRehash(stored: string): boolean {
  const cost = parse(stored)?.cost;
  return cost === undefined || cost.ln !== COST.ln || cost.r !== COST.r || cost.p !== COST.p;
}

function parse(stored: string): { cost: Cost; salt: Buffer; hash: Buffer } | undefined {
  const [, ln, r, p, salt, hash] = FORM.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const cost: Cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const sane = cost.ln >= 10 && cost.ln <= DEAREST.ln && cost.r >= 1 && cost.r <= DEAREST.r && cost.p >= 1 && cost.p <= DEAREST.p;
  return sane ? { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } : undefined;
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  if (Buffer.byteLength(password) > LONGEST) throw new RangeError(`a password has at most ${LONGEST} bytes`);
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    // NFKC: the same password typed on another keyboard is the same bytes.
    scrypt(password.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
