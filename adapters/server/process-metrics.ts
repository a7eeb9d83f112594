/** CPU, memory and event loop of a process, as Prometheus text. */
import { collectDefaultMetrics, Registry } from "prom-client";

/** `process` tells apart those that are shown together. */
export function createProcessMetrics(process?: string): Registry {
  const registry = new Registry();
  if (process !== undefined) registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Several texts with the same metrics as one: a metric's samples must stand together. */
export function joinMetrics(texts: readonly string[]): string {
  const families = new Map<string, string>();
  for (const text of texts) {
    for (const [, head = "", samples = ""] of text.matchAll(/^(# HELP .*\n# TYPE .*\n)((?:[^#\n].*\n)*)/gm)) {
      families.set(head, (families.get(head) ?? "") + samples);
    }
  }
  return Array.from(families, ([head, samples]) => head + samples).join("");
}
