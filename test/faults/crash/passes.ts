import type { Board, Pass } from './board.ts';
import { now } from './files.ts';

/** All that was passed since it was made, or within the last minutes, in order of time: several may ask, and nobody takes it from another. */
export class Passes {
  private kept: Pass[] = [];
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly board: Board,
    private readonly keepMs = Number.POSITIVE_INFINITY,
  ) {}

  async all(): Promise<readonly Pass[]> {
    const { reading } = this;
    this.reading = reading.then(() => this.read());
    await this.reading;
    return this.kept;
  }

  private async read(): Promise<void> {
    const fresh = await this.board.news();
    if (fresh.length === 0) return;
    const oldest = now() - this.keepMs;
    this.kept = [...this.kept, ...fresh].filter(({ at }) => at > oldest).sort((one, other) => one.at - other.at);
  }
}
