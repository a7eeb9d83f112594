/** What a chart draws: the last minutes of some series that all share their times. */

export interface History {
  /** Seconds since the epoch, ascending. */
  readonly times: number[];
  readonly series: Map<string, (number | null)[]>;
  /** Adds one moment. A series that is new, or not among `values`, has `missing` where it said nothing. */
  push(atMs: number, values: Readonly<Record<string, number | null>>): void;
}

/** `missing`: 0 for rates, null for what does not exist without traffic. */
export function createHistory(spanSecs: number, missing: 0 | null): History {
  const times: number[] = [];
  const series = new Map<string, (number | null)[]>();
  return {
    times,
    series,
    push(atMs, values) {
      for (const name of Object.keys(values)) {
        if (!series.has(name)) series.set(name, new Array<number | null>(times.length).fill(missing));
      }
      times.push(atMs / 1000);
      for (const [name, points] of series) points.push(values[name] ?? missing);
      while (times[0]! < atMs / 1000 - spanSecs) {
        times.shift();
        for (const points of series.values()) points.shift();
      }
    },
  };
}
