/**
 * Five minutes of a busy gateway, made up but always the same, for looking at the live page. A program of its own, since
 * vitest would rewrite the functions that the page is made of: it prints the page's URL and serves until it is killed.
 */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { buildPage } from "../../adapters/server/live/page.ts";
import type { Frame, Hello, LiveRow } from "../../adapters/server/live/wire.ts";

const SECONDS = 300;
const NOW_MS = Date.UTC(2026, 10, 20, 14, 30);
const PROVIDERS = [
  "openai",
  "anthropic",
  "openrouter",
  "fireworks",
  "groq",
  "deepseek",
  "together",
  "cerebras",
  "mistral",
  "xai",
];

/** A stand-in for chance that gives the same page each time (mulberry32). */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The real page over a feed that tells all five minutes at once and then stays open. */
function createScriptedApp(nowMs: number): Hono {
  const page = buildPage();
  const app = new Hono();
  app.get("/", (c) => c.html(page.html, 200, { "content-security-policy": page.policy }));
  app.get("/live/events", (c) => {
    const events = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(script(nowMs)));
      },
    });
    return c.body(events, 200, { "content-type": "text/event-stream" });
  });
  return app;
}

function script(nowMs: number): string {
  const chance = createChance(7);
  const hello: Hello = { version: "0.1.0", startedAt: nowMs - 97_500_000, rows: rows(nowMs, chance) };
  const frames = Array.from({ length: SECONDS }, (_, second) => frame(second, nowMs, chance));
  return [
    `event: hello\ndata: ${JSON.stringify(hello)}\n\n`,
    ...frames.map((data) => `event: frame\ndata: ${JSON.stringify(data)}\n\n`),
  ].join("");
}

/** A slow wave of load; a provider that fails from 3:10 to 3:40, and a tenant that runs into its ceiling from 4:00. */
function frame(second: number, nowMs: number, chance: () => number): Frame {
  const load = 1 + 0.35 * Math.sin(second / 40) + 0.12 * (chance() - 0.5);
  const failing = second > 190 && second < 220;
  const runaway = second > 240;
  const noise = (): number => 0.85 + 0.3 * chance();
  const slow = failing ? 2.4 : 1;
  return {
    at: nowMs - (SECONDS - 1 - second) * 1000,
    requests: 184 * load + (runaway ? 60 * noise() : 0),
    rejections: {
      invalid_key: second % 17 < 2 ? 2 : 0,
      rate_limited: runaway ? 58 * noise() : 0,
      circuit_open: failing ? 22 * noise() : 0,
      spend_denied: 3 * noise() * load,
    },
    tokens: {
      openai: {
        input: 210_000 * load * noise(),
        output: 9100 * load * noise(),
        cache_read: 88_000 * load,
        reasoning: 3300 * load,
      },
      anthropic: {
        input: 160_000 * load * noise(),
        output: 6400 * load * noise(),
        cache_read: 120_000 * load,
        cache_write: 9000 * load,
      },
      groq: { input: 31_000 * load, output: failing ? 0 : 2700 * load * noise() },
    },
    ttft: { p50: 310 * noise() * slow ** 0.3, p95: 820 * noise() * slow, p99: 1350 * noise() * slow },
    latency: { p50: 2900 * noise(), p95: 9400 * noise() * slow ** 0.3, p99: 17_500 * noise() * slow ** 0.3 },
    inFlight: Math.round(612 * load),
    streams: Math.round(537 * load),
    circuits: Object.fromEntries(PROVIDERS.map((name) => [name, name === "groq"])),
    denied: 1284,
    denyConnected: true,
    draining: false,
    rows: [],
  };
}

const MODELS: readonly (readonly [provider: string, model: string])[] = [
  ["openai", "gpt-5-mini-2025-08-07"],
  ["anthropic", "claude-sonnet-4-5"],
  ["openai", "gpt-5"],
  ["anthropic", "claude-haiku-4-5"],
  ["groq", "llama-3.3-70b-versatile"],
];

/** The last is the longest there can be. */
const TENANTS = ["42", "7", "1001", "90210", "42", "42", "311", "18446744073709551615"];

function rows(nowMs: number, chance: () => number): LiveRow[] {
  return Array.from({ length: 60 }, (_, i) => {
    const [provider, model] = MODELS[Math.floor(chance() * MODELS.length)]!;
    const luck = chance();
    const ok = { outcome: "ok", status: 200, usageSource: "reported" };
    const end =
      provider === "groq" && luck < 0.5
        ? { outcome: "upstream_error", status: 503, usageSource: "none" }
        : luck > 0.93
          ? { outcome: "client_cancelled", status: 200, usageSource: "partial" }
          : ok;
    const hasCounts = end.usageSource !== "none";
    return {
      requestId: `0198c0de-0000-7000-8000-${String(i).padStart(12, "0")}`,
      timestamp: new Date(nowMs - (60 - i) * 430).toISOString(),
      tenantId: TENANTS[Math.floor(chance() * TENANTS.length)]!,
      keyId: String(1 + Math.floor(chance() * 9)),
      provider,
      model,
      ...(hasCounts && {
        inputTokens: Math.round(300 + 9000 * chance()),
        outputTokens: Math.round(40 + 900 * chance()),
      }),
      ...end,
      isStream: true,
      ttftMs: Math.round(180 + 700 * chance()),
      latencyMs: Math.round(900 + 9000 * chance()),
    };
  });
}

const server = serve(
  { fetch: createScriptedApp(NOW_MS).fetch, hostname: "127.0.0.1", port: 0 },
  ({ port }) => {
    process.stdout.write(`http://127.0.0.1:${port}/\n`);
  },
);
process.on("SIGTERM", () => server.close());
