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

  /** `without`: of these counts at least one must be more than nothing, or nothing was examined. */
  end(without?: readonly string[]): Examined {
    const empty = without?.every((what) => (this.#counts[what] ?? 0) === 0) === true;
    const why = empty ? [`there were no ${without.join(' and no ')}`, ...this.#unexamined] : this.#unexamined;
    return { counts: this.#counts, breaches: this.#breaches, unexamined: why.length > 0 ? why.join('; ') : undefined };
  }
}
