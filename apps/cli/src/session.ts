import { type ApiClient, apiClient } from '@slipway/api';
import { Interrupted, Misused, Refused } from './exit.js';
import { Output } from './output.js';
import { type Found, findToken, findUrl, type GlobalOptions } from './settings.js';
import type { Surroundings } from './surroundings.js';

/** One run of one command: where it writes, whom it asks, and the gateway it talks to. */
export class Session {
  readonly out: Output;
  private client: Promise<ApiClient> | undefined;

  constructor(
    readonly around: Surroundings,
    readonly options: GlobalOptions,
  ) {
    const { json = false, quiet = false, color = true } = options;
    this.out = new Output(around.stdout, around.stderr, { json, quiet, colour: color, env: around.env });
  }

  /** Where the gateway is, and who said so. */
  url(): Promise<Found> {
    return findUrl(this.options, this.around);
  }

  /** The token for that gateway; undefined where nobody logged in. */
  async token(): Promise<Found | undefined> {
    return findToken(this.options, this.around, (await this.url()).value);
  }

  /** The gateway, with the token where there is one. */
  api(): Promise<ApiClient> {
    this.client ??= this.connect();
    return this.client;
  }

  private async connect(): Promise<ApiClient> {
    const token = await this.token();
    if (token === undefined && this.around.env['SLIPWAY_TOKEN'])
      this.out.warn(
        'SLIPWAY_TOKEN is not read, as other programs can see it: put the token into a file only you can read and name that in SLIPWAY_TOKEN_FILE',
      );
    return apiClient({ url: (await this.url()).value, ...(token === undefined ? {} : { token: token.value }) });
  }

  /** Whether a person can be asked. */
  get interactive(): boolean {
    return this.around.stdin.isTerminal && this.options.input !== false;
  }

  /**
   * Asks before something that cannot be taken back lightly.
   *
   * @throws Misused where nobody can be asked and `--yes` is not given, Refused where the answer is no.
   */
  async confirm(question: string, yes: boolean | undefined): Promise<void> {
    if (yes) return;
    if (!this.interactive) throw new Misused(`${question}\nNobody can be asked here: add --yes if you are sure`);
    if (!(await this.agrees(question))) throw new Refused('nothing was done');
  }

  /** Offers something: whether the person says yes. For where {@link interactive}. */
  async agrees(question: string): Promise<boolean> {
    return /^y(es)?$/i.test((await this.around.stdin.ask(`${question} [y/N] `)).trim());
  }

  /** The same for what is severe: the name has to be typed, or given as `--confirm <name>`. */
  async confirmByName(question: string, name: string, confirmed: string | undefined): Promise<void> {
    if (confirmed === undefined && !this.interactive)
      throw new Misused(`${question}\nNobody can be asked here: add --confirm ${name} if you are sure`);
    const answer = confirmed ?? (await this.around.stdin.ask(`${question}\nType ${name} to go on: `));
    if (answer.trim() !== name) throw new Refused(`${JSON.stringify(answer.trim())} is not ${name}: nothing was done`);
  }

  /** The sentence in the person's language; English unless their locale is Chinese. */
  words(text: { en: string; zh: string }): string {
    const { env } = this.around;
    const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
    return locale.startsWith('zh') ? text.zh : text.en;
  }

  /** Waits, or until the signal says that it is no use any more. @throws Interrupted with Ctrl-C */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    const { interrupted } = this.around;
    const enough = signal ? AbortSignal.any([interrupted, signal]) : interrupted;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        enough.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, enough.aborted ? 0 : ms);
      enough.addEventListener('abort', done, { once: true });
    });
    if (interrupted.aborted) throw new Interrupted('interrupted');
  }
}
