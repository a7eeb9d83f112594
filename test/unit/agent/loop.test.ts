import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/agent/errors.ts";
import { type AgentEvent, type StreamEvent, wellFormed } from "../../../src/agent/index.ts";
import { callParts, callsFor, gate, harness, says, scripted, stop, tool } from "./scripted.ts";

const echo = tool("echo", async (input) => ({ text: String(input.text) }));

describe("a run", () => {
  it("tells its events in order and ends with one terminal event", async () => {
    const transport = scripted(callsFor({ id: "c", name: "echo", input: { text: "hi" } }), says("done"));
    const { agent, onEvent, trace, events } = await harness({ transport, tools: [echo] });
    const result = await agent.prompt("go", { onEvent });
    expect(result).toEqual({ ok: true, steps: 2, stop_reason: "end_turn" });
    expect(trace().filter((line) => !line.startsWith("stream"))).toEqual([
      "agent_start",
      "turn_start",
      "tool_start:c",
      "tool_end:c",
      "turn_end",
      "turn_start",
      "turn_end",
      "agent_end",
    ]);
    expect(events.at(-1)).toEqual({ kind: "agent_end", steps: 2, stop_reason: "end_turn" });
  });

  it("adds up the usage of its turns and remembers the last turn's whole input", async () => {
    const usage = { input_tokens: 5, output_tokens: 2, cache_read_tokens: 100, cache_write_tokens: 30 };
    const { agent } = await harness({ transport: scripted(says("a", usage), says("b", usage)) });
    await agent.prompt("one");
    await agent.prompt("two");
    expect(agent.session.state.usage).toMatchObject({
      input_tokens: 10,
      output_tokens: 4,
      cache_read_tokens: 200,
    });
    expect(agent.session.state.lastInput).toBe(135);
  });

  it("keeps the estimate of its size when the provider reports no usage", async () => {
    const { agent } = await harness({ transport: scripted(says("a", {}), says("b", {})) });
    await agent.prompt("x".repeat(4_000));
    await agent.prompt("y".repeat(4_000));
    expect(agent.session.state.tokensSince).toBeGreaterThan(2_000);
  });

  it("stops at max_steps with an error, counted anew for each run", async () => {
    const again = () => callsFor({ id: "c", name: "echo", input: { text: "x" } });
    const { agent, onEvent, events } = await harness({
      transport: scripted(again(), again(), says("ok")),
      tools: [echo],
      maxSteps: 2,
    });
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: false, code: "max_steps", steps: 2 });
    expect(events.at(-1)).toMatchObject({ kind: "error", code: "max_steps" });
    expect(await agent.prompt("go")).toMatchObject({ ok: true, steps: 1 });
  });

  it("runs nothing after a refusal, and the transcript stays whole", async () => {
    let ran = 0;
    const count = tool("count", async () => ({ text: String(++ran) }));
    const refusal: StreamEvent[] = [...callParts([{ id: "c", name: "count" }]), ...stop("refusal")];
    const { agent } = await harness({ transport: scripted(refusal), tools: [count] });
    expect(await agent.prompt("go")).toEqual({ ok: true, steps: 1, stop_reason: "refusal" });
    expect(ran).toBe(0);
    expect(wellFormed(agent.session.messages)).toEqual(agent.session.messages);
  });

  it("gives a call that max_tokens cut off an error result, runs the whole ones before it, and goes on", async () => {
    const cut: StreamEvent[] = [
      ...callParts([
        { id: "whole", name: "echo", input: { text: "a" } },
        { id: "cut", name: "echo", json: '{"text":"b' },
      ]),
      ...stop("max_tokens"),
    ];
    const transport = scripted(cut, says("done"));
    const { agent } = await harness({ transport, tools: [echo] });
    expect(await agent.prompt("go")).toMatchObject({ ok: true, stop_reason: "end_turn" });
    expect(transport.requests[1]!.messages.at(-1)!.content).toMatchObject([
      { tool_use_id: "whole", content: "a", is_error: false },
      { tool_use_id: "cut", is_error: true, content: expect.stringContaining("cut off") },
    ]);
  });

  it("does not run a last call under max_tokens even when what came of it parses", async () => {
    const cut: StreamEvent[] = [...callParts([{ id: "c", name: "echo", json: "{}" }]), ...stop("max_tokens")];
    const transport = scripted(cut, says("done"));
    const { agent } = await harness({ transport, tools: [echo] });
    await agent.prompt("go");
    expect(transport.requests[1]!.messages.at(-1)!.content).toMatchObject([{ is_error: true }]);
  });

  it("ends when a tool says so, with its result in the transcript", async () => {
    const finish = tool("finish", async () => ({ text: "bye", terminate: true }));
    const { agent } = await harness({
      transport: scripted(callsFor({ id: "c", name: "finish" })),
      tools: [finish],
    });
    expect(await agent.prompt("go")).toMatchObject({ ok: true, steps: 1 });
    expect(agent.session.messages.at(-1)!.content).toMatchObject([{ type: "tool_result", content: "bye" }]);
  });

  it("renames a call id that the session has used already", async () => {
    const again = () =>
      callsFor(
        { id: "same", name: "echo", input: { text: "x" } },
        { id: "same", name: "echo", input: { text: "y" } },
      );
    const transport = scripted(again(), again(), says("ok"));
    const { agent } = await harness({ transport, tools: [echo] });
    await agent.prompt("go");
    const ids = agent.session.messages.flatMap((message) =>
      message.content.flatMap((block) => (block.type === "tool_use" ? [block.id] : [])),
    );
    expect(new Set(ids).size).toBe(4);
  });

  it("refuses a second run beside the first", async () => {
    const held = gate();
    const wait = tool("wait", () => held.opened.then(() => ({ text: "" })));
    const { agent } = await harness({
      transport: scripted(callsFor({ id: "c", name: "wait" }), says("ok")),
      tools: [wait],
    });
    const first = agent.prompt("go");
    await expect(agent.prompt("again")).rejects.toThrow("busy");
    held.open();
    expect(await first).toMatchObject({ ok: true });
  });
});

describe("steering", () => {
  it("joins the next tool-results message, after the results", async () => {
    const transport = scripted(callsFor({ id: "c", name: "steerer" }), says("ok"));
    const steerer = tool("steerer", async () => {
      agent.steer("look left");
      return { text: "r" };
    });
    const { agent, onEvent, events } = await harness({ transport, tools: [steerer] });
    await agent.prompt("go", { onEvent });
    expect(transport.requests[1]!.messages.at(-1)!.content).toMatchObject([
      { type: "tool_result", content: "r" },
      { type: "text", text: "look left" },
    ]);
    expect(events).toContainEqual({ kind: "steered", messages: ["look left"] });
  });

  it("starts a turn when the model is done", async () => {
    const transport = scripted(says("first"), says("second"));
    const { agent } = await harness({ transport });
    const onEvent = (event: AgentEvent) => {
      if (event.kind === "turn_start" && event.step === 1) agent.steer("one more thing");
    };
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: true, steps: 2 });
    expect(transport.requests[1]!.messages.at(-1)!.content).toEqual([
      { type: "text", text: "one more thing" },
    ]);
  });

  it("goes before follow-ups, which wait until the run would end", async () => {
    const transport = scripted(
      callsFor({ id: "c", name: "echo", input: { text: "x" } }),
      says("a"),
      says("b"),
      says("c"),
    );
    const { agent } = await harness({ transport, tools: [echo] });
    agent.followUp("later");
    const onEvent = (event: AgentEvent) => {
      if (event.kind === "turn_start" && event.step === 2) agent.steer("sooner");
    };
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: true, steps: 4 });
    const asked = transport.requests.map((request) => request.messages.at(-1)!.content.at(-1));
    expect(asked.slice(2)).toEqual([
      { type: "text", text: "sooner" },
      { type: "text", text: "later" },
    ]);
  });
});

describe("what is queued at the last moment", () => {
  /** A run of one turn, into which something is said so many ticks after its `turn_end`. */
  async function saidLate(say: "steer" | "followUp", ticks: number) {
    const { agent } = await harness({ transport: scripted(says("first"), says("second")) });
    const seen = { ended: false, accepted: false };
    async function late(): Promise<void> {
      for (let tick = 0; tick < ticks; tick++) await null;
      if (seen.ended) return;
      agent[say]("late");
      seen.accepted = true;
    }
    const onEvent = ({ kind }: AgentEvent) => {
      if (kind === "turn_end" && !seen.accepted) void late();
      if (kind === "agent_end") seen.ended = true;
    };
    const result = await agent.prompt("go", { onEvent });
    return { steps: result.steps, accepted: seen.accepted };
  }

  it.each(["steer", "followUp"] as const)("by %s before agent_end is part of the run", async (say) => {
    const runs: Awaited<ReturnType<typeof saidLate>>[] = [];
    for (let ticks = 0; ticks < 40; ticks++) runs.push(await saidLate(say, ticks));
    expect(runs.filter(({ steps, accepted }) => steps !== (accepted ? 2 : 1))).toEqual([]);
    // Otherwise the ticks would not reach across the end.
    expect([runs[0]!.accepted, runs.at(-1)!.accepted]).toEqual([true, false]);
  });
});

describe("an abort", () => {
  it("stops a stream that hangs, keeps what was said, and ends in one terminal event", async () => {
    const heard = gate();
    const transport = scripted(async function* () {
      yield { type: "text_delta", index: 0, text: "half an answ" };
      await new Promise(() => undefined);
    }, says("ok"));
    const { agent, events } = await harness({ transport });
    const onEvent = (event: AgentEvent) => {
      events.push(event);
      if (event.kind === "stream") heard.open();
    };
    const run = agent.prompt("go", { onEvent });
    await heard.opened;
    agent.abort();
    expect(await run).toMatchObject({ ok: false, code: "aborted" });
    expect(events.filter((event) => event.kind === "error" || event.kind === "agent_end")).toHaveLength(1);
    expect(agent.session.messages.at(-1)).toMatchObject({
      role: "assistant",
      content: [{ text: "half an answ" }],
    });
    expect(await agent.prompt("go on")).toMatchObject({ ok: true });
  });

  it("stops tools through their signal; each call has its result and what waited did not run", async () => {
    const started = gate();
    const ran: string[] = [];
    const hang = tool(
      "hang",
      (_, { id, signal }) => {
        ran.push(id);
        started.open();
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("killed"))),
        );
      },
      { exclusive: true },
    );
    const transport = scripted(callsFor({ id: "a", name: "hang" }, { id: "b", name: "hang" }));
    const { agent } = await harness({ transport, tools: [hang] });
    const run = agent.prompt("go");
    await started.opened;
    agent.abort();
    expect(await run).toMatchObject({ ok: false, code: "aborted" });
    expect(ran).toEqual(["a"]);
    expect(agent.session.messages.at(-1)!.content).toMatchObject([
      { tool_use_id: "a", content: "killed", is_error: true },
      { tool_use_id: "b", is_error: true },
    ]);
  });

  it("ends the backoff", async () => {
    const transport = scripted([
      new ModelError("overloaded", "busy", { retryable: true, retryAfterMs: 30_000 }),
    ]);
    const { agent } = await harness({ transport });
    const onEvent = (event: AgentEvent) => {
      if (event.kind === "retry") agent.abort();
    };
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: false, code: "aborted" });
  });

  it("empties the queues and says what was in them", async () => {
    const { agent } = await harness({ transport: scripted(says("ok")) });
    agent.steer("a");
    agent.followUp("b");
    expect(agent.abort()).toEqual({ steer: ["a"], follow_up: ["b"] });
    expect(await agent.prompt("go")).toMatchObject({ steps: 1 });
  });

  it("before the run keeps the model from being called", async () => {
    const transport = scripted(says("never"));
    const { agent } = await harness({ transport });
    expect(await agent.prompt("go", { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      code: "aborted",
    });
    expect(transport.requests).toHaveLength(0);
  });
});

describe("retries", () => {
  const flaky = (retryAfterMs = 0) => new ModelError("overloaded", "busy", { retryable: true, retryAfterMs });

  it("are three for a request that got no answer, told as events", async () => {
    const { agent, onEvent, events } = await harness({
      transport: scripted([flaky()], [flaky()], [flaky()], says("ok")),
    });
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: true, steps: 1 });
    const retries = events.filter((event) => event.kind === "retry");
    expect(retries.map((event) => event.attempt)).toEqual([1, 2, 3]);
  });

  it("give up after the third", async () => {
    const transport = scripted([flaky()], [flaky()], [flaky()], [flaky()]);
    const { agent } = await harness({ transport });
    expect(await agent.prompt("go")).toMatchObject({ ok: false, code: "overloaded" });
    expect(transport.requests).toHaveLength(4);
  });

  it("are not made for an error that no retry mends", async () => {
    const transport = scripted([new ModelError("spend_denied", "denied", { status: 402 })]);
    const { agent } = await harness({ transport });
    expect(await agent.prompt("go")).toMatchObject({ ok: false, code: "spend_denied" });
    expect(transport.requests).toHaveLength(1);
  });

  it("start a broken stream again, and its half is not in the transcript", async () => {
    const half: StreamEvent = { type: "text_delta", index: 0, text: "half" };
    const transport = scripted([half, flaky()], [half], says("whole"));
    const { agent, onEvent, events } = await harness({ transport, random: () => 1 });
    expect(await agent.prompt("go", { onEvent })).toMatchObject({ ok: true, steps: 1 });
    expect(events.filter((event) => event.kind === "retry")).toHaveLength(2);
    expect(agent.session.messages.at(-1)!.content).toEqual([{ type: "text", text: "whole" }]);
  });
});
