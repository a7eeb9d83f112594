/** Rows on Workers: what bills comes first, and nothing else may harm it. */
import { afterEach, expect, it, vi } from "vitest";
import { createRowSink } from "../../../adapters/workers/row-sink.ts";
import type { UsageRow } from "../../../src/gateway/row.ts";

afterEach(() => void vi.restoreAllMocks());

const ROW: UsageRow = {
  target: "ai.usage",
  timestamp: "2026-11-22T14:30:00.000Z",
  request_id: "r1",
  tenant_id: "1",
  vpc_id: "2",
  kid: 1,
  provider: "openai",
  dialect: "openai",
  path: "/v1/models",
  stream: false,
  outcome: "ok",
  usage_source: "none",
  latency_ms: 1,
  request_bytes: 0,
  response_bytes: 0,
};

it("reaches the Queue though Analytics Engine throws", async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  const sent: string[] = [];
  const sink = createRowSink(
    {
      USAGE_QUEUE: { send: async (line) => sent.push(line) },
      USAGE_ANALYTICS: {
        writeDataPoint() {
          throw new Error("too many points");
        },
      },
    },
    () => {},
  );
  await sink(ROW);
  expect(sent).toEqual([expect.stringContaining('"request_id":"r1"')]);
});
