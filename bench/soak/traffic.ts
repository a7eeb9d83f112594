/** What the clients of the soak do: a mix of good requests, provider's faults, bad clients and abuse. */
import { mint } from "../../test/support/mint.ts";
import { formatRequest, openRaw, type RawConnection } from "../../test/support/raw-http.ts";
import { ANSWER_HEADER, type AnswerName } from "./provider.ts";
import type { Random } from "./random.ts";

const KEYS = Array.from({ length: 50 }, (_, n) => mint({ tenantId: String(n + 1), keyId: "1" }));
const SMALL = JSON.stringify({ model: "soak", stream: true, messages: [{ role: "user", content: "hello" }] });
const LARGE = JSON.stringify({ model: "soak", messages: [{ role: "user", content: "x".repeat(300_000) }] });

interface Scenario {
  readonly name: string;
  readonly weight: number;
  readonly answer?: AnswerName;
  readonly provider?: string;
  readonly key?: (n: number) => string;
  readonly body?: string;
  /** Bytes of the request that are sent; all unless told. */
  readonly sends?: number;
  /** Reads the answer; leaves when it returns. */
  readonly read?: (connection: RawConnection) => Promise<string>;
}

/** Reads all; the status, and whether it came whole. */
async function readAll(connection: RawConnection): Promise<string> {
  const { status } = await connection.readHead();
  const { clean } = await connection.readBody();
  return clean ? String(status) : `${status} cut`;
}

async function leaveMidStream(connection: RawConnection): Promise<string> {
  await connection.readHead();
  await connection.readPiece();
  return "left";
}

const leaveAtOnce = async (): Promise<string> => "left";

const SCENARIOS: readonly Scenario[] = [
  { name: "JSON", weight: 30, answer: "json" },
  { name: "stream", weight: 30, answer: "stream" },
  { name: "large stream", weight: 1, answer: "large" },
  { name: "large upload", weight: 4, answer: "json", body: LARGE },
  { name: "BYO stream", weight: 10, answer: "stream", key: () => "sk-own-soak" },
  { name: "provider cuts", weight: 4, answer: "cut" },
  { name: "provider resets", weight: 2, answer: "refuse" },
  { name: "provider is silent", weight: 1, answer: "silent" },
  { name: "provider hangs", weight: 1, answer: "hang" },
  { name: "provider is busy", weight: 4, answer: "busy" },
  { name: "provider is broken", weight: 2, answer: "broken" },
  { name: "provider is down", weight: 2, provider: "down" },
  { name: "client leaves a stream", weight: 6, answer: "endless", read: leaveMidStream },
  { name: "client leaves before the head", weight: 3, answer: "silent", read: leaveAtOnce },
  { name: "client leaves its upload", weight: 3, body: LARGE, sends: 100_000, read: leaveAtOnce },
  {
    name: "forged key",
    weight: 5,
    key: (n) => `${KEYS[0]!.slice(0, -6)}${String(n % 10_000).padStart(5, "0")}A`,
  },
];

export interface Traffic {
  /** `scenario: outcome` to how often. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Lets what is under way come to its end. */
  stop(): Promise<void>;
}

/** So many clients, each with one request at a time on a connection of its own. */
export function startTraffic(url: string, random: Random, clients: number): Traffic {
  const outcomes = new Map<string, number>();
  let running = true;
  let asked = 0;
  const client = async (): Promise<void> => {
    while (running) {
      const scenario = random.pick(SCENARIOS);
      const outcome = await play(url, scenario, asked++).catch(() => "broken off");
      const line = `${scenario.name}: ${outcome}`;
      outcomes.set(line, (outcomes.get(line) ?? 0) + 1);
    }
  };
  const all = Array.from({ length: clients }, client);
  return {
    outcomes,
    async stop() {
      running = false;
      await Promise.all(all);
    },
  };
}

/** What a process opens with its first row and keeps is open from here on. */
export const playOnce = (url: string): Promise<string> => play(url, SCENARIOS[0]!, 0);

async function play(url: string, scenario: Scenario, n: number): Promise<string> {
  const { answer = "json", provider = "openai", body = SMALL, sends, read = readAll } = scenario;
  const key = scenario.key?.(n) ?? KEYS[n % KEYS.length]!;
  const connection = await openRaw(url);
  try {
    const bytes = formatRequest(url, {
      method: "POST",
      target: `/${provider}/v1/chat/completions`,
      headers: [
        ["authorization", `Bearer ${key}`],
        ["content-type", "application/json"],
        [ANSWER_HEADER, answer],
      ],
      body,
    });
    connection.send(bytes.subarray(0, sends));
    return await read(connection);
  } finally {
    connection.destroy();
  }
}
