import { expect, test } from "vitest";
import { readWith } from "./fixtures.ts";
import { mutable, mutate } from "./mutants.ts";
import { type PlainWire, readPlainly } from "./plain-reading.ts";
import { createRandom, cutAtRandom } from "./wild-json.ts";

const SEEDS = [11, 12, 13, 14, 15];
const BODIES = 2000;
const BIG_BYTES = 20_000;

function wireNamed(path: string): PlainWire {
  if (path.endsWith("completions")) return "chat";
  return path.endsWith("/messages") ? "messages" : path.endsWith("/responses") ? "responses" : "other";
}

test.each(SEEDS)(
  `${BODIES} mutants of the fixtures (seed %i) read as JSON.parse reads them, and as the fixture says`,
  (seed) => {
    const random = createRandom(seed);
    const small = mutable.filter(({ body }) => body.length < BIG_BYTES);
    const order = [
      ...mutable,
      ...Array.from({ length: BODIES - mutable.length }, (_, i) => small[i % small.length]!),
    ];
    for (const fixture of order) {
      const { name, path, status, sse, expect: expected } = fixture;
      const text = mutate(fixture, random);
      const result = readWith(cutAtRandom(new TextEncoder().encode(text), random), { path, status, sse });
      const { inputTokens, outputTokens, cacheReadTokens, reasoningTokens } = result.usage ?? {};
      const read = {
        model: result.model,
        input: inputTokens,
        output: outputTokens,
        cacheRead: cacheReadTokens,
        reasoning: reasoningTokens,
      };
      if (
        read.model !== (expected.model ?? undefined) ||
        read.input !== (expected.input_tokens ?? undefined)
      ) {
        expect(read, `${name}: ${text}`).toMatchObject({
          model: expected.model ?? undefined,
          input: expected.input_tokens ?? undefined,
        });
      }
      expect(read, name).toEqual({
        ...read,
        output: expected.output_tokens ?? undefined,
        cacheRead: expected.cached_input_tokens ?? undefined,
        reasoning: expected.reasoning_tokens ?? undefined,
      });
      if (path.endsWith("/count_tokens")) continue;
      expect(read, `${name}: ${text.slice(0, 3000)}`).toEqual(readPlainly(text, sse, wireNamed(path)));
      expect(result.complete, `${name}: ${text.slice(0, 3000)}`).toBe(expected.complete);
      expect(result.error, name).toBe(expected.outcome === "error");
    }
  },
);
