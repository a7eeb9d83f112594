import { expect, it } from "vitest";
import { createAssembler } from "../../../src/agent/assemble.ts";
import { OpenAiDecoder } from "../../../src/agent/dialects/openai-stream.ts";
import type { Block, StreamEvent } from "../../../src/agent/types.ts";

/** The events of a stream whose chunks have these elements of `tool_calls`. */
function decodeCalls(...chunks: readonly object[]): StreamEvent[] {
  const decoder = new OpenAiDecoder();
  const datas = chunks.map((call) =>
    JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [call] } }] }),
  );
  return [...datas, "[DONE]"].flatMap((data) => decoder.push({ event: "", data }));
}

function callsOf(events: readonly StreamEvent[]): readonly Block[] {
  const assembler = createAssembler("m", new Set());
  for (const event of events) assembler.push(event);
  return assembler.answer().message.content;
}

it("a call whose name comes after its id, or before it, has both", () => {
  for (const parts of [
    [{ id: "c1" }, { function: { name: "read" } }],
    [{ id: "c1", function: { name: "" } }, { function: { name: "read", arguments: "" } }],
    [{ function: {} }, { id: "c1", function: { name: "read" } }],
  ]) {
    const chunks = [...parts, { function: { arguments: '{"path":' } }, { function: { arguments: '"a"}' } }];
    const events = decodeCalls(...chunks.map((chunk) => ({ index: 0, ...chunk })));
    expect(callsOf(events)).toEqual([{ type: "tool_use", id: "c1", name: "read", input: { path: "a" } }]);
    expect(events.filter((event) => event.type === "tool_use_start")).toHaveLength(1);
  }
});

it("a call that never gets a name or arguments starts before it ends", () => {
  const events = decodeCalls({ index: 0, id: "c1" });
  expect(events.map((event) => event.type)).toEqual([
    "message_start",
    "tool_use_start",
    "content_block_stop",
    "message_stop",
  ]);
  expect(events.at(-1)).toMatchObject({ stop_reason: "tool_use" });
});
