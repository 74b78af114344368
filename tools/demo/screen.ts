/** The demo's terminal: a line per step, and while one runs what it waits for and for how long. Without a terminal, a line per change. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  #current: { label: string; note: string; begun: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    this.#live = out.isTTY && process.env['CI'] === undefined && process.env['TERM'] !== 'dumb';
  }

  /** A line of text, above the running step. */
  say(text = ''): void {
    this.#erase();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  /** Begins a step. */
  begin(label: string): void {
    this.#current = { label, note: '', begun: performance.now() };
    if (!this.#live) this.#out.write(`  .. ${label}\n`);
    this.#draw();
    if (this.#live) this.#timer = setInterval(() => this.#redraw(), 120);
  }

  /** What the running step waits for. */
  note(text: string): void {
    if (this.#current === undefined || this.#current.note === text) return;
    this.#current.note = text;
    if (this.#live) this.#redraw();
    else this.#out.write(`     ${this.#elapsed()}  ${text}\n`);
  }

  /** Ends a step well: what was seen, and how long it took in seconds. */
  done(seen: string): number {
    return this.#end(this.#paint('32', 'ok'), seen);
  }

  /** Ends a step badly. */
  failed(why: string): number {
    return this.#end(this.#paint('31', '!!'), why);
  }

  /** Takes the live line away, for a question; `resume` brings it back. */
  async aside<T>(ask: () => Promise<T>): Promise<T> {
    clearInterval(this.#timer);
    this.#erase();
    try {
      return await ask();
    } finally {
      if (this.#current !== undefined && this.#live) this.#timer = setInterval(() => this.#redraw(), 120);
      this.#draw();
    }
  }

  bold(text: string): string {
    return this.#paint('1', text);
  }

  dim(text: string): string {
    return this.#paint('2', text);
  }

  #end(mark: string, text: string): number {
    const current = this.#current;
    if (current === undefined) return 0;
    clearInterval(this.#timer);
    this.#erase();
    const seconds = (performance.now() - current.begun) / 1000;
    this.#out.write(`  ${mark} ${current.label.padEnd(62)} ${seconds.toFixed(1).padStart(6)} s\n`);
    for (const line of text.split('\n').filter(Boolean)) this.#out.write(`     ${this.dim(line)}\n`);
    this.#current = undefined;
    return seconds;
  }

  #redraw(): void {
    this.#frame += 1;
    this.#erase();
    this.#draw();
  }

  #draw(): void {
    if (!this.#live || this.#current === undefined) return;
    const wheel = '|/-\\'.charAt(this.#frame % 4);
    const line = `  ${wheel}  ${this.#current.label} ${this.#elapsed()}  ${this.#current.note}`;
    this.#out.write(line.slice(0, Math.max(20, (this.#out.columns || 100) - 1)));
  }

  #erase(): void {
    if (this.#live && this.#current !== undefined) this.#out.write('\r\u001b[2K');
  }

  #elapsed(): string {
    const seconds = (performance.now() - (this.#current?.begun ?? 0)) / 1000;
    return `${seconds.toFixed(1)} s`;
  }

  #paint(code: string, text: string): string {
    const plain = !this.#out.isTTY || process.env['NO_COLOR'] !== undefined;
    return plain ? text : `\u001b[${code}m${text}\u001b[0m`;
  }
}
