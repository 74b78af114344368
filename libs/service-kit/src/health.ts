/** What one part of a service says about itself. */
export interface PartHealth {
  readonly ok: boolean;
  /** What is missing, for a person; shown when not ok. */
  readonly detail?: string;
}

/** What /health/ready answers. */
export interface Readiness {
  readonly status: 'ready' | 'not ready';
  /** The parts that are missing, each with what it waits for. */
  readonly missing: readonly string[];
  readonly parts: Readonly<Record<string, PartHealth>>;
}

type Check = () => PartHealth | Promise<PartHealth>;

const freshMs = 1_000;

/**
 * Whether a service can work, asked of its parts. Answers are kept for a second and asked for once at a time,
 * so that whoever polls /health/ready never burdens Postgres or Kafka.
 */
export class Health {
  private readonly checks = new Map<string, Check>();
  private asked: { at: number; answer: Promise<Readiness> } | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.set('start', { ok: false, detail: 'not started yet' });
  }

  /** Adds or replaces a part; `check` must answer within a few seconds and not throw (if it does, that is its detail). */
  check(part: string, check: Check): void {
    this.checks.set(part, check);
    this.asked = undefined;
  }

  /** Says how a part is that knows it without being asked. */
  set(part: string, health: PartHealth): void {
    this.check(part, () => health);
  }

  /** Asks all parts. */
  async readiness(): Promise<Readiness> {
    const now = this.now();
    if (!this.asked || now - this.asked.at > freshMs) this.asked = { at: now, answer: this.ask() };
    return this.asked.answer;
  }

  private async ask(): Promise<Readiness> {
    const answers = await Promise.all([...this.checks].map(async ([part, check]) => [part, await answerOf(check)] as const));
    const missing = answers
      .filter(([, health]) => !health.ok)
      .map(([part, health]) => (health.detail ? `${part}: ${health.detail}` : part));
    return { status: missing.length === 0 ? 'ready' : 'not ready', missing, parts: Object.fromEntries(answers) };
  }
}

async function answerOf(check: Check): Promise<PartHealth> {
  try {
    return await check();
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
