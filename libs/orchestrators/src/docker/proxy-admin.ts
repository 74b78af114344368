import { open } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { backend, type Member, type ProxyPlan, serverLine } from './proxy-config.js';

/** A server as the running proxy sees it. */
export interface ServerState {
  readonly name: string;
  readonly address: string;
  /** `UP`, `DOWN`, `MAINT`, `DRAIN`, `no check`, with details behind a blank. */
  readonly status: string;
  /** What its last check came to: `L7OK`, `L4TOUT`, …; `INI` before the first, empty while it is not checked. */
  readonly check: string;
  /** How long it has been up, or down, by the proxy's own clock, to the second; counts anew when the proxy is started. */
  readonly forMs: number;
  /** Requests it is working on. */
  readonly sessions: number;
}

const answerLimitMs = 2000;
const answerLimitBytes = 1024 * 1024;
/** Bytes the kernel allows in the address of a socket, less its end. */
const longestSocketPath = 107;

/** The admin socket did not answer, or the proxy is not as it was a moment ago: look again. */
export class ProxyAway extends Error {
  override readonly name = 'ProxyAway';
}

/** HAProxy's runtime API (management guide, section 9.3) over the unix socket in the environment's folder. */
export class ProxyAdmin {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** The servers of the backend. Throws `ProxyAway`. */
  async servers(): Promise<ServerState[]> {
    const text = await this.#say(`show stat ${backend} 4 -1`);
    const [head = '', ...rows] = text.replace(/^# /, '').split('\n');
    const columns = head.split(',');
    const at = (name: string) => columns.indexOf(name);
    return rows
      .map((row) => row.split(','))
      .filter((cells) => cells[at('pxname')] === backend)
      .map((cells) => ({
        name: cells[at('svname')] ?? '',
        address: cells[at('addr')] ?? '',
        status: cells[at('status')] ?? '',
        // A star says that one is under way.
        check: (cells[at('check_status')] ?? '').replace('* ', ''),
        forMs: Number(cells[at('lastchg')] ?? 0) * 1000,
        sessions: Number(cells[at('scur')] ?? 0),
      }));
  }

  /** Makes a server known. One that is checked gets no requests before `ready`: we have probed it, and whether it is reached from here the proxy's first check will tell. */
  async join(member: Member, plan: Pick<ProxyPlan, 'healthEveryMs'>): Promise<void> {
    const server = `${backend}/${member.name}`;
    const then = member.checked ? `enable health ${server}; set server ${server} state drain` : `enable server ${server}`;
    await this.#order(`add server ${backend}/${serverLine(member, plan)}; ${then}`, /^New server registered\.?$/);
  }

  /** Lets it be as it is, without further checks. */
  async unchecked(name: string): Promise<void> {
    await this.#say(`disable health ${backend}/${name}`);
  }

  /** Checks it again. One that the proxy found in its file as unchecked, at a start in between, stays so. */
  async checked(name: string): Promise<void> {
    await this.#say(`enable health ${backend}/${name}`);
  }

  /** Sends it nothing new. */
  async drain(name: string): Promise<void> {
    await this.#order(`set server ${backend}/${name} state drain`);
  }

  /** Brings one that is drained into service. */
  async ready(name: string): Promise<void> {
    await this.#order(`set server ${backend}/${name} state ready`);
  }

  /** Takes it out and forgets it. False while it still holds connections; call again when it has been stopped: what may be repeated is then repeated elsewhere. */
  async leave(name: string): Promise<boolean> {
    const server = `${backend}/${name}`;
    const answer = await this.#say(`set server ${server} state maint; del server ${server}`);
    return /Server deleted|No such server/.test(answer);
  }

  /** Another path for the health checks, from the next check on. */
  async healthPath(health: string): Promise<void> {
    await this.#order(`experimental-mode on; set var proc.health_path str(${health})`);
  }

  async #order(order: string, expected?: RegExp): Promise<void> {
    const answer = await this.#say(order);
    const fine = expected === undefined ? answer === '' : expected.test(answer);
    if (!fine) throw new ProxyAway(`the proxy refused "${order}": ${answer}`);
  }

  async #say(order: string): Promise<string> {
    if (this.#socket.length <= longestSocketPath) return await ask(this.#socket, order);
    // The kernel takes no longer path; through the open folder it is a short one.
    const folder = await open(path.dirname(this.#socket)).catch((error: Error) => {
      throw new ProxyAway(`the proxy's folder: ${error.message}`);
    });
    try {
      return await ask(`/proc/self/fd/${folder.fd}/${path.basename(this.#socket)}`, order);
    } finally {
      await folder.close();
    }
  }
}

function ask(file: string, order: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(file);
    let answer = '';
    const fail = (reason: string) => {
      socket.destroy();
      reject(new ProxyAway(`the proxy's admin socket: ${reason}`));
    };
    socket.setEncoding('utf8');
    socket.setTimeout(answerLimitMs, () => fail(`no answer within ${answerLimitMs} ms`));
    socket.on('data', (text) => {
      answer += text;
      if (answer.length > answerLimitBytes) fail('too long an answer');
    });
    socket.on('error', (error) => fail(error.message));
    socket.on('end', () => resolve(answer.trim()));
    socket.on('connect', () => socket.write(`${order}\n`));
  });
}
