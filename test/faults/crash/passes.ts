import type { Board, Pass } from './board.ts';
import { now } from './files.ts';

/** All that was passed since it was made, or within the last minutes, in order of time: several may ask, and nobody takes it from another. */
export class Passes {
  private readonly kept: Pass[] = [];
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
    // What is new is nearly in order and nearly all later: to sort it in costs little, however much there is.
    for (const pass of await this.board.news()) this.kept.push(pass);
    this.kept.sort((one, other) => one.at - other.at);
    const oldest = now() - this.keepMs;
    const first = this.kept.findIndex(({ at }) => at > oldest);
    if (first > 0) this.kept.splice(0, first);
  }
}
