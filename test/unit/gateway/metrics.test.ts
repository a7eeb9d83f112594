/** What one process counts and another one adds up. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "../../../src/gateway/metrics.ts";

const metricsOf = (): Metrics =>
  createMetrics({ denySetSize: () => 0, denyConnected: () => undefined, openCircuits: () => [] });
const linesOf = (metrics: Metrics): string[] => metrics.text().split("\n").sort();

/** Whole seconds, so that sums do not hang on the order of addition. */
const event = fc.oneof(
  fc.constant((metrics: Metrics) => metrics.requests.add()),
  fc.tuple(fc.constantFrom("openai", "groq"), fc.constantFrom("2xx", "5xx")).map(
    ([provider, status]) =>
      (metrics: Metrics) =>
        metrics.responses.add(1, provider, status),
  ),
  fc.tuple(fc.nat(1000), fc.constantFrom("openai", "groq")).map(
    ([seconds, provider]) =>
      (metrics: Metrics) =>
        metrics.ttft.observe(seconds, provider),
  ),
  fc.nat(10_000).map((tokens) => (metrics: Metrics) => metrics.tokens.add(tokens, "input")),
);

describe("metrics that are taken and given", () => {
  it("add up to what one process would have counted, each event once", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(2)), { maxLength: 50 }), (events) => {
        const [whole, sum, ...workers] = Array.from({ length: 4 }, metricsOf);
        for (const [count, place] of events) {
          count(whole!);
          const worker = workers[place];
          if (worker) count(worker);
          else for (const one of workers) sum!.give(one.take());
          if (!worker) count(sum!);
        }
        for (const worker of workers) {
          sum!.give(worker.take());
          expect(worker.take()).toEqual({});
        }
        // A count of 0 tokens makes a series in the one and need not in the other.
        const isSeen = (line: string): boolean => !line.endsWith(" 0");
        expect(linesOf(sum!).filter(isSeen)).toEqual(linesOf(whole!).filter(isSeen));
      }),
    );
  });
});
