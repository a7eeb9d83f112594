/** Percentiles from histogram buckets, by Prometheus' own rule, so that the page and a Grafana panel agree. */

/**
 * The `quantile` (0 to 1) of observations counted by bucket, not cumulative; `bounds` are the buckets' upper ends and the
 * last bucket has none. Linear inside a bucket; past the last bound it is that bound, as in `histogram_quantile`.
 * Undefined where nothing was observed.
 */
export function quantileOf(
  quantile: number,
  counts: ArrayLike<number>,
  bounds: readonly number[],
): number | undefined {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  if (total === 0) return undefined;
  const rank = quantile * total;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const count = counts[i]!;
    if (count > 0 && below + count >= rank) {
      const start = bounds[i - 1] ?? 0;
      return start + ((bounds[i]! - start) * (rank - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1);
}
