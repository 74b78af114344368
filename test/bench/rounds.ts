/** One round: both sides, measured one after the other. */
export interface Round {
  readonly baseline: number;
  readonly suite: number;
}

/** How a figure is judged. */
export interface Gate {
  /** `ratio`: suite to baseline. `suite`: the suite's own value, in the figure's unit. */
  readonly of: 'ratio' | 'suite';
  readonly most: number;
  readonly aim?: number;
}

/** One figure of the report. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly baselineIs: string;
  readonly rounds: readonly Round[];
  readonly gate?: Gate;
  /** Both sides are measured at once, under the same disturbances: then a baseline that changes is no sign of trouble. */
  readonly atOnce?: boolean;
  /** What else was seen. */
  readonly notes: readonly string[];
}

/** The value in the middle; of an even number of values the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? at(sorted, Math.floor(middle)) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}

/** The value that this share of all values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return at(sorted, Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1));
}

/** Suite to baseline, round by round. */
export function ratios(rounds: readonly Round[]): number[] {
  return rounds.map(({ suite, baseline }) => suite / baseline);
}

/** By how much the baseline's first half differs from its second: what it changed by cannot be the suite's doing. */
export function drift(rounds: readonly Round[]): number {
  const values = rounds.map(({ baseline }) => baseline);
  const half = Math.floor(values.length / 2);
  const [first, last] = [median(values.slice(0, half)), median(values.slice(-half))];
  return Math.abs(first - last) / Math.min(first, last);
}

/** Whether a figure keeps to its gate; undefined where it has none. */
export function passes({ gate, rounds }: Figure): boolean | undefined {
  if (!gate) return undefined;
  return median(gate.of === 'ratio' ? ratios(rounds) : rounds.map(({ suite }) => suite)) <= gate.most;
}

/** Measures baseline, suite, baseline, suite, … after one round that does not count. */
export async function interleave(
  count: number,
  side: { baseline(round: number): Promise<number>; suite(round: number): Promise<number> },
  tell: (text: string) => void,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round <= count; round++) {
    const baseline = await side.baseline(round);
    const suite = await side.suite(round);
    tell(
      `${round === 0 ? 'warm-up' : `round ${round}`}: baseline ${baseline.toFixed(2)}, suite ${suite.toFixed(2)}, ratio ${(suite / baseline).toFixed(2)}`,
    );
    if (round > 0) rounds.push({ baseline, suite });
  }
  return rounds;
}

function at(sorted: readonly number[], index: number): number {
  const value = sorted[index];
  if (value === undefined) throw new Error('there is nothing to take the median of');
  return value;
}
