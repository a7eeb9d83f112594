import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCut, isCompactionDue } from "../../../src/agent/compaction.ts";
import { ModelError } from "../../../src/agent/errors.ts";
import { estimateMessages } from "../../../src/agent/estimate.ts";
import type { AgentEvent, Message } from "../../../src/agent/index.ts";
import { callParts, callsFor, harness, says, scripted, stop, tool } from "./scripted.ts";

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const assistant = (text: string): Message => ({ role: "assistant", content: [{ type: "text", text }] });
const big = "x".repeat(40_000);

describe("where a compaction cuts", () => {
  it("is an assistant message, with about 20,000 tokens from there on", () => {
    const messages = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? user(big) : assistant(big)));
    const cut = findCut(messages, 200_000)!;
    expect(messages[cut]!.role).toBe("assistant");
    const kept = estimateMessages(messages.slice(cut));
    expect(kept).toBeGreaterThan(5_000);
    expect(kept).toBeLessThanOrEqual(20_100);
  });

  it("keeps a question that waits for its answer, whatever its size", () => {
    const messages = [user("a"), assistant("b"), user("x".repeat(900_000))];
    expect(findCut(messages, 100_000)).toBe(2);
  });

  it("is after the last result when even the last turn is too large", () => {
    const messages: Message[] = [
      user("a"),
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "n", input: {} }] },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "t", content: "x".repeat(900_000), is_error: false }],
      },
    ];
    expect(findCut(messages, 100_000)).toBe(3);
  });

  it("is after the last result when the last turn takes more than half of what is usable", () => {
    const lastTurn = (chars: number): Message[] => [
      user("a"),
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "n", input: {} }] },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "t", content: "x".repeat(chars), is_error: false }],
      },
    ];
    expect(findCut(lastTurn(400_000), 200_000)).toBe(3);
    expect(findCut(lastTurn(300_000), 200_000)).toBe(1);
  });

  it("is nowhere in a transcript with nothing to summarise", () => {
    expect(findCut([user("a")], 200_000)).toBeUndefined();
    expect(findCut([], 200_000)).toBeUndefined();
  });

  it("never parts a result from its call", () => {
    const size = fc.integer({ min: 0, max: 60_000 });
    fc.assert(
      fc.property(
        fc.array(size, { maxLength: 12 }),
        fc.integer({ min: 1_000, max: 300_000 }),
        (sizes, window) => {
          const messages = sizes.map((chars, index) =>
            index % 2 === 0 ? user("x".repeat(chars)) : assistant("x".repeat(chars)),
          );
          const cut = findCut(messages, window);
          if (cut === undefined || cut === messages.length) return;
          expect(messages[cut]!.role === "assistant" || cut === messages.length - 1).toBe(true);
        },
      ),
    );
  });

  it("is due above the window less 16,384 tokens", () => {
    expect(isCompactionDue(183_616, 200_000)).toBe(false);
    expect(isCompactionDue(183_617, 200_000)).toBe(true);
    expect(isCompactionDue(100, 1_000)).toBe(false);
  });
});

describe("a run that outgrows its window", () => {
  const echo = tool("echo", async () => ({ text: big }));
  const full = { input_tokens: 190_000, output_tokens: 1 };

  it("puts one marked message in the place of what was summarised, and goes on", async () => {
    const transport = scripted(says("a", full), says("SUMMARY"), says("b"));
    const { agent, onEvent, events } = await harness({ transport });
    await agent.prompt(`remember ${big}${big}${big}`);
    expect(await agent.prompt("next", { onEvent })).toMatchObject({ ok: true });
    const asked = transport.requests[1]!;
    expect(asked.tools).toEqual([]);
    expect(JSON.stringify(asked.messages)).toContain("remember");
    expect(JSON.stringify(transport.requests[2]!.messages[0])).toContain("<summary>");
    expect(transport.requests[2]!.messages.at(-1)).toEqual(user("next"));
    const compacted = events.find((event) => event.kind === "compacted");
    expect(compacted).toMatchObject({ messages_before: 3, messages_after: 3 });
    expect(compacted!.tokens_after).toBeLessThan(compacted!.tokens_before);
    expect(
      events.some(
        (event) => event.kind === "stream" && event.type === "text_delta" && event.text === "SUMMARY",
      ),
    ).toBe(false);
  });

  it("compacts once after an overflow error and asks again", async () => {
    const overflow = new ModelError("context_length_exceeded", "too long", {
      status: 400,
      contextOverflow: true,
    });
    const transport = scripted(callsFor({ id: "c", name: "echo" }), [overflow], says("SUMMARY"), says("ok"));
    const { agent } = await harness({ transport, tools: [echo] });
    expect(await agent.prompt("go")).toMatchObject({ ok: true, steps: 2 });
    const again = scripted(says("a"), [overflow], says("SUMMARY"), [overflow]);
    const second = await harness({ transport: again });
    await second.agent.prompt("one");
    expect(await second.agent.prompt("two")).toMatchObject({ ok: false, code: "context_length_exceeded" });
  });

  it("gets smaller when its last turn alone is what fills the window", async () => {
    const overflow = new ModelError("context_length_exceeded", "too long", {
      status: 400,
      contextOverflow: true,
    });
    const reads = Array.from({ length: 12 }, (_, index) => ({ id: `c${index}`, name: "echo" }));
    const transport = scripted(callsFor(...reads), [overflow], says("SUMMARY"), says("ok"));
    const { agent } = await harness({ transport, tools: [echo] });
    expect(await agent.prompt("read all")).toMatchObject({ ok: true, steps: 2 });
    expect(JSON.stringify(transport.requests[3]!.messages).length).toBeLessThan(big.length);
  });

  it("goes on uncompacted when the summary fails, and does not try again in this run", async () => {
    const refused = new ModelError("bad_request", "no", { status: 400 });
    const transport = scripted(
      says("a", full),
      [refused],
      [...callParts([{ id: "c", name: "echo" }]), ...stop("tool_use", full)],
      says("b", full),
    );
    const { agent } = await harness({ transport, tools: [echo] });
    await agent.prompt("one");
    const kinds: string[] = [];
    const onEvent = (event: AgentEvent) => {
      kinds.push(event.kind);
    };
    expect(await agent.prompt("two", { onEvent })).toMatchObject({ ok: true, steps: 2 });
    expect(kinds.filter((kind) => kind.startsWith("compact"))).toEqual(["compaction_start", "compacted"]);
    expect(kinds.at(-1)).toBe("agent_end");
  });
});
