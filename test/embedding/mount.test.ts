/** The gateway inside another app: wherever it stands, the mount prefix is no part of the routed path. */
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { createGateway } from "../../src/index.ts";
import { fakeUpstream } from "./fake-upstream.ts";

const BYO = { authorization: "Bearer sk-own" };
const TARGET = "/openai/v1/chat/completions";

interface Mount {
  readonly title: string;
  /** What stands before the gateway's own path in a request. */
  readonly at: string;
  readonly mount: (app: Hono, gateway: ReturnType<typeof createGateway>) => void;
}

const MOUNTS: readonly Mount[] = [
  { title: "the root by route", at: "", mount: (app, gateway) => app.route("/", gateway) },
  { title: "a path by route", at: "/ai", mount: (app, gateway) => app.route("/ai", gateway) },
  { title: "a deep path by route", at: "/a/b/c", mount: (app, gateway) => app.route("/a/b/c", gateway) },
  {
    title: "a path with parameters by route",
    at: "/teams/blue/ai",
    mount: (app, gateway) => app.route("/teams/:team/ai", gateway),
  },
  {
    title: "a parameter with an escaped slash by route",
    at: "/teams/b%2Fe/ai",
    mount: (app, gateway) => app.route("/teams/:team/ai", gateway),
  },
  {
    title: "a path below another app by route",
    at: "/api/v2/ai",
    mount: (app, gateway) => app.route("/api", new Hono().route("/v2", new Hono().route("/ai", gateway))),
  },
  {
    title: "a base path by route",
    at: "/base/ai",
    mount: (app, gateway) => app.route("/", new Hono().basePath("/base").route("/ai", gateway)),
  },
  { title: "the root by mount", at: "", mount: (app, gateway) => app.mount("/", gateway.fetch) },
  { title: "a path by mount", at: "/ai", mount: (app, gateway) => app.mount("/ai", gateway.fetch) },
  {
    title: "a deep path by mount",
    at: "/a/b/c",
    mount: (app, gateway) => app.mount("/a/b/c", gateway.fetch),
  },
  {
    title: "a path named as a provider by route",
    at: "/openai",
    mount: (app, gateway) => app.route("/openai", gateway),
  },
];

function mounted({ mount }: Mount) {
  const upstream = fakeUpstream();
  const app = new Hono();
  mount(app, createGateway({ upstream }));
  return { app, upstream };
}

describe("a mounted gateway", () => {
  for (const mount of MOUNTS) {
    it(`relays under ${mount.title}`, async () => {
      const { app, upstream } = mounted(mount);
      const url = `http://app.example${mount.at}${TARGET}?x=1&y=%2F`;
      const response = await app.request(url, { method: "POST", headers: BYO, body: '{"model":"m"}' });
      expect(response.status).toBe(200);
      expect(upstream.requests.map(({ authority, path }) => authority + path)).toEqual([
        "api.openai.com:443/v1/chat/completions?x=1&y=%2F",
      ]);
    });

    it(`knows no other first segment under ${mount.title}`, async () => {
      const { app, upstream } = mounted(mount);
      const response = await app.request(`http://app.example${mount.at}/nobody/v1/models`, { headers: BYO });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "unknown_provider" } });
      expect(upstream.requests).toEqual([]);
    });
  }

  it("leaves what lies beside the mount to the app", async () => {
    const app = new Hono().get("/health", (c) => c.text("well"));
    app.route("/ai", createGateway({ upstream: fakeUpstream() }));
    expect(await (await app.request("/health")).text()).toBe("well");
    expect(await (await app.request("/other")).text()).toBe("404 Not Found");
  });

  it("answers 404 to its own bare mount path", async () => {
    const app = new Hono().route("/ai", createGateway({ upstream: fakeUpstream() }));
    const response = await app.request("/ai", { headers: BYO });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "unknown_provider" } });
  });

  it("runs after the app's middleware, which sees the relayed answer", async () => {
    const app = new Hono();
    app.use(async (c, next) => {
      await next();
      c.header("x-app", String(c.res.status));
    });
    app.route("/ai", createGateway({ upstream: fakeUpstream() }));
    const response = await app.request(`/ai${TARGET}`, { method: "POST", headers: BYO, body: "{}" });
    expect([response.headers.get("x-app"), response.headers.get("x-beyond-provider")]).toEqual([
      "200",
      "openai",
    ]);
  });
});
