/** A point of a curve: how much there was to do, and how long it took. */
export interface Point {
  readonly size: number;
  readonly took: number;
}

/**
 * How fast the time grows with the size: the slope of the straight line through the points on paper with two logarithmic axes, by least squares. 1 is
 * twice the time for twice the size. @throws Error with fewer than two sizes.
 */
export function logLogSlope(points: readonly Point[]): number {
  const xs = points.map(({ size }) => Math.log(size));
  const ys = points.map(({ took }) => Math.log(took));
  const [x0, y0] = [mean(xs), mean(ys)];
  const spread = xs.reduce((sum, x) => sum + (x - x0) ** 2, 0);
  if (!(spread > 0)) throw new Error('a slope needs two sizes at least');
  return xs.reduce((sum, x, at) => sum + (x - x0) * ((ys[at] as number) - y0), 0) / spread;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
