/** Reads Prometheus text (exposition format 0.0.4) strictly. */

export interface Family {
  readonly type: string;
  /** Label names that its samples have. */
  readonly labels: ReadonlySet<string>;
  /** Values by the labels' own text, as `kind="input"`; `le` and the histogram's suffixes included. */
  readonly samples: ReadonlyMap<string, number>;
}

/** Metric names, a histogram's `_bucket`, `_sum` and `_count` among them. Throws for a line that is none. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { type: string; labels: Set<string>; samples: Map<string, number> }>();
  const declare = (name: string, type: string): void => {
    if (families.has(name)) throw new Error(`${name} is declared twice`);
    families.set(name, { type, labels: new Set(), samples: new Map() });
  };
  for (const line of text.split("\n")) {
    const [, name = "", type = ""] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
    if (name) {
      declare(name, type);
      if (type === "histogram")
        for (const suffix of ["bucket", "sum", "count"]) declare(`${name}_${suffix}`, type);
    }
    if (line === "" || line.startsWith("#")) continue;
    const sample = /^([a-z_][\w]*)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$/.exec(line);
    const family = families.get(sample?.[1] ?? "");
    // prom-client writes `Nan` for a mean of nothing, which Prometheus reads.
    const isValue = !Number.isNaN(Number(sample?.[3])) || sample?.[3] === "Nan";
    if (!sample || !family || !isValue) throw new Error(`this is no sample: ${line}`);
    for (const [, label = ""] of (sample[2] ?? "").matchAll(/(\w+)="/g)) family.labels.add(label);
    if (family.samples.has(sample[2] ?? "")) throw new Error(`this sample comes twice: ${line}`);
    family.samples.set(sample[2] ?? "", Number(sample[3]));
  }
  return families;
}
