import type { LogPiece } from '@slipway/docker-engine';

/** The last lines of what a container writes, bounded whatever it writes. */
export class LogTail {
  readonly #keep: number;
  readonly #longest: number;
  readonly #decoder = new TextDecoder();
  #lines: string[] = [];
  #open = '';

  constructor(keep: number, longestLine = 2000) {
    this.#keep = keep;
    this.#longest = longestLine;
  }

  /** Takes the next piece and gives its text. */
  add(piece: LogPiece): string {
    const text = this.#decoder.decode(piece.bytes, { stream: true });
    const parts = (this.#open + text).split('\n');
    this.#open = (parts.pop() ?? '').slice(-this.#longest);
    this.#lines.push(...parts.slice(-this.#keep).map((line) => line.slice(0, this.#longest)));
    this.#lines = this.#lines.slice(-this.#keep);
    return text;
  }

  get lines(): readonly string[] {
    return this.#open === '' ? this.#lines : [...this.#lines, this.#open].slice(-this.#keep);
  }
}
