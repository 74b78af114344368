import type { Breach, Examined } from './verdict.ts';

/** What one promise's examination found so far. */
export class Findings {
  readonly #counts: Record<string, number> = {};
  readonly #breaches: Breach[] = [];
  readonly #unexamined: string[] = [];

  /** So much was looked at. Zero is worth saying: it shows that a check was empty. */
  count(what: string, many = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + many;
  }

  breach(release: string | null | undefined, what: string, evidence: readonly string[] = []): void {
    this.#breaches.push({ release: release ?? null, what, evidence });
  }

  /** It cannot be said to hold, for this reason. */
  cannot(why: string): void {
    if (!this.#unexamined.includes(why)) this.#unexamined.push(why);
  }

  /** `needs`: what the promise rests on. Where any of it was not there at all, the promise was not examined. */
  end(needs: readonly string[]): Examined {
    const absent = needs.filter((what) => (this.#counts[what] ?? 0) === 0);
    const why = absent.length > 0 ? [`there were no ${absent.join(' and no ')}`, ...this.#unexamined] : this.#unexamined;
    return { counts: this.#counts, breaches: this.#breaches, unexamined: why.length > 0 ? why.join('; ') : undefined };
  }
}
