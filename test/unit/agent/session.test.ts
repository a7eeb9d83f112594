import { describe, expect, it } from "vitest";
import {
  createAgent,
  createSession,
  entriesUpTo,
  formatLine,
  type Message,
  newHeader,
  noUsage,
  openSession,
  parseSession,
  SessionError,
  type SessionStore,
  wellFormed,
} from "../../../src/agent/index.ts";
import { harness, says, scripted } from "./scripted.ts";

const user: Message = { role: "user", content: [{ type: "text", text: "q" }] };
const calls: Message = {
  role: "assistant",
  content: [{ type: "tool_use", id: "t", name: "n", input: {} }],
  model_id: "m",
};
const results: Message = {
  role: "user",
  content: [{ type: "tool_result", tool_use_id: "t", content: "r", is_error: false }],
};
const answer: Message = { role: "assistant", content: [{ type: "text", text: "a" }], model_id: "m" };

function textStore(): SessionStore & { text: string; syncs: number } {
  const store = {
    text: "",
    syncs: 0,
    append: async (line: string) => {
      store.text += line;
    },
    sync: async () => {
      store.syncs++;
    },
    close: async () => undefined,
  };
  return store;
}

async function written(messages: readonly Message[]): Promise<string> {
  const store = textStore();
  const session = await createSession(newHeader({ cwd: "/w", model: "m" }), store);
  for (const message of messages)
    await session.addMessage(
      message,
      message.role === "assistant" ? { ...noUsage, input_tokens: 7 } : undefined,
    );
  return store.text;
}

/** How many elements of arrays and sets are walked through until `work` first waits. */
function copiedBy(work: () => unknown): number {
  let copied = 0;
  const walk = Array.prototype[Symbol.iterator];
  const add = Set.prototype.add;
  Array.prototype[Symbol.iterator] = function () {
    copied += this.length;
    return walk.call(this);
  };
  Set.prototype.add = function (value) {
    copied++;
    return add.call(this, value);
  };
  try {
    work();
  } finally {
    Array.prototype[Symbol.iterator] = walk;
    Set.prototype.add = add;
  }
  return copied;
}

describe("a session file", () => {
  it("has a header line, then entries that name the one before", async () => {
    const lines = (await written([user, answer]))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({
      type: "session",
      version: 1,
      cwd: "/w",
      model: "m",
      title: null,
      parent: null,
    });
    expect(lines[1]).toMatchObject({ type: "message", parent_id: null, role: "user", content: user.content });
    expect(lines[2]).toMatchObject({
      type: "message",
      parent_id: lines[1].id,
      model_id: "m",
      usage: { input_tokens: 7 },
    });
    expect(Date.parse(lines[2].timestamp)).toBeGreaterThan(0);
  });

  it("gives back what was written: messages, model, title, usage, compaction", async () => {
    const store = textStore();
    const session = await createSession(newHeader({ cwd: "/w", model: "m" }), store);
    await session.addMessage(user);
    await session.addMessage(answer, { ...noUsage, input_tokens: 100, output_tokens: 3 });
    await session.addMessage(user);
    await session.setModel("m2");
    await session.setTitle("work");
    await session.addCompaction({
      summary: "S",
      firstKept: 2,
      tokensBefore: 100,
      tokensAfter: 10,
      usage: { ...noUsage, output_tokens: 5 },
    });
    const file = parseSession(store.text)!;
    const again = await openSession(file.header, file.entries);
    expect(again.state).toEqual(session.state);
    expect(again.state).toMatchObject({
      model: "m2",
      title: "work",
      lastInput: 10,
      usage: { input_tokens: 100, output_tokens: 8 },
    });
    expect(again.messages).toHaveLength(2);
    expect(JSON.stringify(again.messages[0])).toContain("S");
  });

  it("is opened with work in proportion to its length", async () => {
    const turn = (id: string): Message[] => [
      { role: "assistant", content: [{ type: "tool_use", id, name: "n", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "r", is_error: false }] },
    ];
    const text = await written(Array.from({ length: 500 }, (_, index) => turn(`t${index}`)).flat());
    const file = parseSession(text)!;
    const half = { ...file, entries: file.entries.slice(0, file.entries.length / 2) };
    const work = copiedBy(() => openSession(file.header, file.entries));
    expect(work).toBeLessThan(3 * copiedBy(() => openSession(half.header, half.entries)));
  });

  it("has a state that what is added later does not change", async () => {
    const session = await createSession(newHeader({ cwd: "/w", model: "m" }));
    await session.addMessage(user);
    const before = session.state;
    await session.addMessage(calls, { ...noUsage, input_tokens: 7 });
    expect(before).toMatchObject({ usage: noUsage, callIds: new Set() });
    expect(before.transcript).toHaveLength(1);
    expect(session.state.callIds).toEqual(new Set(["t"]));
  });

  it("cut at any byte resumes to a transcript that a provider accepts", async () => {
    const text = await written([user, calls, results, answer, user, calls]);
    for (let length = 0; length <= text.length; length++) {
      const file = parseSession(text.slice(0, length));
      if (!file) continue;
      const session = await openSession(file.header, file.entries);
      expect(wellFormed(session.messages)).toEqual(session.messages);
    }
  });

  it("keeps a last line that lost nothing but its line feed", async () => {
    const text = await written([user]);
    expect(parseSession(text.slice(0, -1))!.entries).toHaveLength(1);
    expect(parseSession(text.slice(0, -2))!.entries).toHaveLength(0);
  });

  it.each([
    ["a newer version", '{"type":"session","version":2,"id":"x"}\n', /version 2.*update/],
    ["no header", '{"type":"message"}\n', /no session header/],
    ["somebody's notes", "buy milk", /not a session file/],
    [
      "a damaged line in the middle",
      `${formatLine(newHeader({ cwd: "/", model: "m" }))}{"type":"mess\n{}\n`,
      /line 2/,
    ],
    [
      "an entry without its members",
      `${formatLine(newHeader({ cwd: "/", model: "m" }))}{"type":"message","id":"a"}\n`,
      /line 2/,
    ],
  ])("is refused for %s", (_, text, message) => {
    expect(() => parseSession(text)).toThrow(SessionError);
    expect(() => parseSession(text)).toThrow(message);
  });

  it("leaves out entries of a type that it does not know", async () => {
    const text = `${await written([user])}{"type":"bookmark","id":"x"}\n`;
    expect(parseSession(text)!.entries).toHaveLength(1);
  });

  it("is forked up to and with the entry that is named", async () => {
    const file = parseSession(await written([user, calls, results]))!;
    const upto = file.entries[1]!.id;
    expect(entriesUpTo(file.entries, upto)).toHaveLength(2);
    expect(entriesUpTo(file.entries, undefined)).toHaveLength(3);
    expect(() => entriesUpTo(file.entries, "nothing")).toThrow(SessionError);
  });
});

describe("a run", () => {
  it("syncs after each turn, and a store that fails ends it with an error", async () => {
    const store = textStore();
    const session = await createSession(newHeader({ cwd: "/", model: "m" }), store);
    const agent = createAgent({ transport: scripted(says("a"), says("b")), session });
    await agent.prompt("one");
    expect(store.syncs).toBeGreaterThan(0);
    store.append = () => Promise.reject(new SessionError("disk full"));
    expect(await agent.prompt("two")).toMatchObject({ ok: false, message: "disk full" });
  });

  it("does not put an empty answer into the transcript, but counts what it cost", async () => {
    const { agent } = await harness({
      transport: scripted([{ type: "message_start" }, ...says("", { input_tokens: 9 }).slice(-2)]),
    });
    await agent.prompt("go");
    expect(agent.session.messages).toHaveLength(1);
    expect(agent.session.state.usage.input_tokens).toBe(9);
  });
});
