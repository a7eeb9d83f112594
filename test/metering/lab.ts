/** One real gateway over one stand-in, and the endings that the metering tests put requests through. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import { baseSetup } from "../conformance/setups.ts";
import { json } from "../support/answers.ts";
import type { RunningGateway } from "../support/gateway-process.ts";
import { mint } from "../support/mint.ts";
import { formatRequest, openRaw, type RawConnection } from "../support/raw-http.ts";
import type { Row } from "../support/rows.ts";
import { startOnNode } from "../support/runtimes.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";

export const KEY = mint({ tenantId: "42", vpcId: "7", keyId: "18446744073709551615" });
export const CHAT = "/openai/v1/chat/completions";
export const MESSAGES = "/anthropic/v1/messages";
export const SSE = { "content-type": "text/event-stream" } as const;
export const JSON_TYPE = { "content-type": "application/json" } as const;

export interface MeteringLab {
  readonly standIn: StandIn;
  readonly gateway: RunningGateway;
}

export interface Post {
  readonly target: string;
  readonly body: unknown;
  readonly headers?: readonly (readonly [string, string])[];
}

/** Starts before the tests of a file and stops after them; the stand-in forgets between tests. */
export function useLab(config: Record<string, unknown> = {}, start = startOnNode): MeteringLab {
  const lab: { standIn?: StandIn; gateway?: RunningGateway } = {};
  beforeAll(async () => {
    lab.standIn = await startStandIn(json(200, {}));
    const { config: base } = baseSetup(lab.standIn.authority);
    lab.gateway = await start({ config: { ...base, ...config } });
  });
  beforeEach(() => lab.standIn?.reset());
  afterAll(async () => {
    await lab.gateway?.stop();
    await lab.standIn?.close();
  });
  return {
    get standIn() {
      return lab.standIn!;
    },
    get gateway() {
      return lab.gateway!;
    },
  };
}

/** Sends a managed request and leaves the reading, or the leaving, to the test. */
export async function post(
  { gateway }: MeteringLab,
  { target, body, headers = [] }: Post,
): Promise<RawConnection> {
  const connection = await openRaw(gateway.url);
  const all = [["authorization", `Bearer ${KEY}`], ["content-type", "application/json"], ...headers] as const;
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  connection.send(formatRequest(gateway.url, { method: "POST", target, headers: all, body: payload }));
  return connection;
}

/** The row of the only request since `before` rows were there. */
export async function rowAfter({ gateway }: MeteringLab, before: number): Promise<Row> {
  const rows = await gateway.waitForRows(before + 1);
  return rows[before]!;
}

/** The value of a metric without labels, as the admin listener gives it. */
export async function metric({ gateway }: MeteringLab, name: string): Promise<number> {
  const listening = gateway
    .stderr()
    .split("\n")
    .find((line) => line.includes('"listening"'));
  const { admin_url }: { admin_url: string } = JSON.parse(listening ?? "{}");
  const text = await (await fetch(`${admin_url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

/** A chat request whose string values are `bytes` bytes of text beside `user`. */
export function chat(members: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: "m5678", messages: [{ role: "user", content: "a".repeat(91) }], ...members };
}

/** 100 bytes of string values: `m5678`, `user` and 91 letters, at five bytes a token. */
export const CHAT_INPUT_ESTIMATE = 20;

export const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
export const delta = (content: string): string => event({ choices: [{ index: 0, delta: { content } }] });
export const DONE = "data: [DONE]\n\n";
