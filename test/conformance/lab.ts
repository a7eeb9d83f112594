/** What every conformance section works with: three gateways over one stand-in, and short words for asking them. */
import { expect } from "vitest";
import type { RunningGateway } from "../support/gateway-process.ts";
import { mint } from "../support/mint.ts";
import {
  formatRequest,
  openRaw,
  type RawConnection,
  type RawRequest,
  type RawResponse,
  rawRequest,
} from "../support/raw-http.ts";
import type { Row } from "../support/rows.ts";
import type { SeenRequest, StandIn } from "../support/stand-in.ts";

export type { GatewaySetup, RunningGateway } from "../support/gateway-process.ts";

/** The running parts. `strict` has small limits and short timeouts, `ceilings` low rates; `base` has neither. */
export interface Lab {
  readonly standIn: StandIn;
  readonly base: RunningGateway;
  readonly strict: RunningGateway;
  readonly ceilings: RunningGateway;
}

/** Registers one behaviour. The id is stable: runners name their known gaps by it. */
export type Check = (id: string, title: string, behaviour: (lab: Lab) => Promise<void>) => void;

/** A part of the contract. */
export type Section = (check: Check) => void;

/** A good managed key (v1, tenant 42). */
export const KEY = mint({ tenantId: "42", vpcId: "99" });
/** A credential of the client's own. */
export const BYO_KEY = "sk-byo-51f0c2a9";
/** RFC 9562 version 7. */
export const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Head of an SSE answer. */
export const SSE = { "content-type": "text/event-stream" } as const;

/**
 * More than can lie between a writer and a reader that stopped: two connections' kernel buffers (`tcp_rmem` up to 32 MB
 * and `tcp_wmem` up to 4 MB each), the runtimes' own and the gateway's 64 KiB; 36 MB were seen. A gateway without
 * backpressure takes all of the 128 MiB that the checks send.
 */
export const IN_FLIGHT_BYTES = 96 * 1024 * 1024;

/** A request without the connection's details. Managed with `KEY` unless `key` is given; `null` sends no credential. */
export interface Ask extends Omit<RawRequest, "target" | "method"> {
  readonly method?: string;
  readonly target: string;
  readonly key?: string | null;
}

/** A JSON body for a POST. */
export function jsonBody(value: unknown): Pick<RawRequest, "body"> {
  return { body: JSON.stringify(value) };
}

/** A small chat request. */
export function chat(members: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: "gpt-5-mini", messages: [{ role: "user", content: "hello there" }], ...members };
}

/** The raw request of an `Ask`: POST when there is a body, the key as a bearer, JSON unless another type is given. */
export function rawOf({ key = KEY, method, headers = [], body, target }: Ask): RawRequest {
  const hasType = headers.some(([name]) => name.toLowerCase() === "content-type");
  const all: (readonly [string, string])[] = [
    ...(key === null ? [] : [["authorization", `Bearer ${key}`] as const]),
    ...headers,
    ...(body === undefined || hasType ? [] : [["content-type", "application/json"] as const]),
  ];
  return {
    method: method ?? (body === undefined ? "GET" : "POST"),
    target,
    headers: all,
    ...(body === undefined ? {} : { body }),
  };
}

/** Asks on a connection of its own and reads the whole answer. */
export function ask(gateway: RunningGateway, request: Ask): Promise<RawResponse> {
  return rawRequest(gateway.url, rawOf(request));
}

/** Asks, and leaves the reading to the test. */
export async function begin(gateway: RunningGateway, request: Ask): Promise<RawConnection> {
  const connection = await openRaw(gateway.url);
  connection.send(formatRequest(gateway.url, rawOf(request)));
  return connection;
}

/** Asks and expects to be relayed: the answer, and the request as the provider saw it. */
export async function relayed(lab: Lab, request: Ask): Promise<{ response: RawResponse; seen: SeenRequest }> {
  const response = await ask(lab.base, request);
  expect(response.status, response.text()).toBeLessThan(400);
  return { response, seen: await lab.standIn.take() };
}

/** The gateway's id of a request: UUIDv7, on every answer. */
export function requestIdOf({ header }: Pick<RawResponse, "header">): string {
  const [id = "", ...more] = header("x-beyond-request-id");
  expect(id).toMatch(UUID_V7);
  expect(more).toEqual([]);
  return id;
}

/** The row of a relayed answer. */
export function rowOf(gateway: RunningGateway, response: Pick<RawResponse, "header">): Promise<Row> {
  const id = requestIdOf(response);
  return gateway.waitForRow((row) => row.request_id === id);
}

/**
 * The rows of these answers, once everything before has left its rows: after a managed request of our own.
 * Workers order their rows each for itself, so who expects a row waits for it by {@link rowOf} first.
 */
export async function rowsOf(lab: Lab, responses: readonly Pick<RawResponse, "header">[]): Promise<Row[]> {
  await rowOf(lab.base, await ask(lab.base, { target: "/openai/v1/models" }));
  const ids = new Set(responses.map(requestIdOf));
  return lab.base.rows().filter(({ request_id }) => ids.has(request_id));
}

/** All that the gateway has begun to send up so far: a request of our own comes after it, and is left out. */
export async function sentUp(lab: Lab, gateway: RunningGateway): Promise<SeenRequest[]> {
  const target = "/openai/v1/models?after-all";
  await ask(gateway, { target, key: BYO_KEY });
  return lab.standIn.requests.filter((seen) => seen.target !== target.slice("/openai".length));
}

/** What a refusal of gateway.md §3 must look like. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly type: string;
  /** The client's dialect; openai unless said. */
  readonly dialect?: "openai" | "anthropic";
  /** `never`: `x-should-retry: false`. `soon`: `retry-after` of at most 5. `free`: neither. `never` unless said. */
  readonly retry?: "never" | "soon" | "free";
}

/** Checks status, headers, dialect and codes, and that no credential is echoed. */
export function expectRefusal(response: RawResponse, refusal: Refusal): void {
  const { status, code, type, dialect = "openai", retry = "never" } = refusal;
  expect({ status: response.status, body: response.text() }).toMatchObject({ status });
  const requestId = requestIdOf(response);
  const error = { message: expect.stringMatching(/\S/), type, code };
  expect(response.json()).toEqual(
    dialect === "openai"
      ? { error: { ...error, param: null } }
      : { type: "error", error, request_id: requestId },
  );
  expect(response.header("content-type")[0]).toMatch(/^application\/json/);
  expect(response.header("x-should-retry")).toEqual(retry === "never" ? ["false"] : []);
  const retryAfter = response.header("retry-after");
  if (retry === "soon") expect(retryAfter[0]).toMatch(/^[0-5]$/);
  else expect(retryAfter).toEqual([]);
  // The words may name the prefix; a token has a version and parts.
  expect(response.text()).not.toMatch(/bai_v?\d+\./);
  expect(response.text()).not.toContain(BYO_KEY);
}

/** Asks the base gateway and expects a refusal before anything reached the provider. */
export async function refused(lab: Lab, request: Ask, refusal: Refusal): Promise<void> {
  expectRefusal(await ask(lab.base, request), refusal);
  expect(lab.standIn.requests).toEqual([]);
}
