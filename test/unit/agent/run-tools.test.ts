import { describe, expect, it } from "vitest";
import type { AgentEvent } from "../../../src/agent/index.ts";
import { callsFor, gate, harness, says, scripted, tool } from "./scripted.ts";

describe("tools of one turn", () => {
  it("run side by side: a barrier opens only when all three are inside", async () => {
    const barrier = gate();
    let inside = 0;
    const meet = tool("meet", async () => {
      if (++inside === 3) barrier.open();
      await barrier.opened;
      return { text: "met" };
    });
    const transport = scripted(
      callsFor(...["a", "b", "c"].map((id) => ({ id, name: "meet" }))),
      says("done"),
    );
    const { agent } = await harness({ transport, tools: [meet] });
    expect(await agent.prompt("go")).toMatchObject({ ok: true, steps: 2 });
    expect(inside).toBe(3);
  });

  it("run at most eight at once, and all of twenty in the end", async () => {
    let running = 0;
    let most = 0;
    let ran = 0;
    const full = gate();
    const count = tool("count", async () => {
      most = Math.max(most, ++running);
      if (running === 8) full.open();
      await full.opened;
      // Lets every other call that could start do so first.
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      ran++;
      return { text: "ok" };
    });
    const calls = Array.from({ length: 20 }, (_, index) => ({ id: `c${index}`, name: "count" }));
    const { agent } = await harness({
      transport: scripted(callsFor(...calls), says("done")),
      tools: [count],
    });
    await agent.prompt("go");
    expect({ most, ran }).toEqual({ most: 8, ran: 20 });
  });

  it("with one target run one after another in call order, while another target goes on beside them", async () => {
    const log: string[] = [];
    const other = gate();
    const write = tool(
      "write",
      async (input, { id }) => {
        log.push(`start ${id}`);
        // The first call on `x` waits for the call on `y`: it would never end if they were serial.
        if (id === "x1") await other.opened;
        if (id === "y1") other.open();
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`end ${id}`);
        return { text: String(input.path) };
      },
      { write_target: (input) => String(input.path) },
    );
    const call = (id: string) => ({ id, name: "write", input: { path: id[0] } });
    const transport = scripted(callsFor(call("x1"), call("x2"), call("x3"), call("y1")), says("done"));
    const { agent } = await harness({ transport, tools: [write] });
    await agent.prompt("go");
    const onX = log.filter((line) => line.includes("x"));
    expect(onX).toEqual(["start x1", "end x1", "start x2", "end x2", "start x3", "end x3"]);
    expect(log.indexOf("start y1")).toBeLessThan(log.indexOf("end x1"));
  });

  it("become serial when one of them is exclusive", async () => {
    const log: string[] = [];
    const step: Parameters<typeof tool>[1] = async (_, { id }) => {
      log.push(`start ${id}`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`end ${id}`);
      return { text: id };
    };
    const tools = [tool("read", step), tool("bash", step, { exclusive: true })];
    const calls = ["read", "read", "bash", "read"].map((name, index) => ({ id: `${index}`, name }));
    const { agent } = await harness({ transport: scripted(callsFor(...calls), says("done")), tools });
    await agent.prompt("go");
    expect(log).toEqual([0, 1, 2, 3].flatMap((id) => [`start ${id}`, `end ${id}`]));
  });

  it("start in call order, end as they finish, and stand in the transcript in call order", async () => {
    const gates = [gate(), gate(), gate()];
    const wait = tool("wait", async (input, { id }) => {
      const place = Number(input.place);
      await gates[place]!.opened;
      gates[place - 1]?.open();
      return { text: id };
    });
    const calls = [0, 1, 2].map((place) => ({ id: `c${place}`, name: "wait", input: { place } }));
    const transport = scripted(callsFor(...calls), says("done"));
    const { agent, onEvent, trace } = await harness({ transport, tools: [wait] });
    gates[2]!.open();
    await agent.prompt("go", { onEvent });
    const tools = trace().filter((line) => line.startsWith("tool_"));
    expect(tools).toEqual([
      "tool_start:c0",
      "tool_start:c1",
      "tool_start:c2",
      "tool_end:c2",
      "tool_end:c1",
      "tool_end:c0",
    ]);
    const results = transport.requests[1]!.messages.at(-1)!.content;
    expect(results.map((block) => block.type === "tool_result" && block.tool_use_id)).toEqual([
      "c0",
      "c1",
      "c2",
    ]);
  });

  it("have their starts told in call order also when one overtakes a call that waits for its path", async () => {
    const write = tool("write", async () => ({ text: "ok" }), {
      write_target: (input) => String(input.path),
    });
    const paths = ["x", "x", "y"];
    const calls = paths.map((path, index) => ({ id: `c${index}`, name: "write", input: { path } }));
    const { agent, onEvent, trace } = await harness({
      transport: scripted(callsFor(...calls), says("ok")),
      tools: [write],
    });
    await agent.prompt("go", { onEvent });
    const starts = trace().filter((line) => line.startsWith("tool_start"));
    expect(starts).toEqual(["tool_start:c0", "tool_start:c1", "tool_start:c2"]);
  });

  it("are not told of a sink that throws on a snapshot", async () => {
    const slow = tool("slow", async (_, { progress }) => {
      progress("half");
      return { text: "whole" };
    });
    const transport = scripted(callsFor({ id: "c", name: "slow" }), says("done"));
    const { agent } = await harness({ transport, tools: [slow] });
    const onEvent = ({ kind }: AgentEvent) => {
      if (kind === "tool_progress") throw new Error("no room");
    };
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: true });
    expect(transport.requests[1]!.messages.at(-1)!.content).toMatchObject([
      { content: "whole", is_error: false },
    ]);
  });
});

describe("a call that cannot be run", () => {
  const echo = tool("echo", async (input) => ({ text: String(input.text) }), {
    input_schema: {
      type: "object",
      properties: { text: { type: "string" } },
      required: ["text"],
      additionalProperties: false,
    },
  });
  const broken = tool("broken", async () => {
    throw new Error("the disk is on fire");
  });

  async function resultOf(call: { name: string; input?: unknown; json?: string }) {
    const transport = scripted(callsFor({ id: "c", ...call }), says("done"));
    const { agent } = await harness({ transport, tools: [echo, broken] });
    expect(await agent.prompt("go")).toMatchObject({ ok: true });
    return transport.requests[1]!.messages.at(-1)!.content[0];
  }

  it.each([
    ["an unknown tool", { name: "fly" }, /unknown tool "fly".*echo, broken/],
    ["a missing member", { name: "echo", input: {} }, /invalid input.*text/],
    ["a wrong type", { name: "echo", input: { text: 7 } }, /invalid input.*\/text/],
    ["an unknown member", { name: "echo", input: { text: "a", loud: true } }, /invalid input.*loud/],
    ["broken JSON", { name: "echo", json: '{"text":' }, /not a JSON object/],
    ["JSON that is no object", { name: "echo", json: "[1]" }, /not a JSON object/],
    [
      "JSON that is too deep to be written again",
      { name: "echo", json: `{"text":${"[".repeat(20_000)}${"]".repeat(20_000)}}` },
      /nested more than 500 levels/,
    ],
    ["a throwing tool", { name: "broken" }, /the disk is on fire/],
  ])("gets an error result that says what was wrong: %s", async (_, call, message) => {
    const result = await resultOf(call);
    expect(result).toMatchObject({ type: "tool_result", tool_use_id: "c", is_error: true });
    expect(result?.type === "tool_result" && result.content).toMatch(message);
  });

  it("may be refused by a hook with a reason, and a result may be rewritten by another", async () => {
    const transport = scripted(
      callsFor(
        { id: "c1", name: "echo", input: { text: "a" } },
        { id: "c2", name: "echo", input: { text: "b" } },
      ),
      says("ok"),
    );
    const { agent } = await harness({
      transport,
      tools: [echo],
      hooks: {
        beforeToolCall: (call) => (call.id === "c1" ? { refuse: "not today" } : undefined),
        afterToolCall: (call, result) => ({
          ...result,
          tool_use_id: "forged",
          content: `${call.id}:${result.content}`,
        }),
      },
    });
    await agent.prompt("go");
    expect(transport.requests[1]!.messages.at(-1)!.content).toMatchObject([
      { tool_use_id: "c1", content: "refused: not today", is_error: true },
      { tool_use_id: "c2", content: "c2:b", is_error: false },
    ]);
  });
});
