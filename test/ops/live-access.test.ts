/** Who may see the live page. The rule itself, then the rule over real sockets on both runtimes. */
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { checkAccess } from "../../adapters/server/live/access.ts";
import { rawRequest } from "../support/raw-http.ts";
import { configOver, RUNTIMES, startServed } from "./served.ts";

const visit = {
  adminToken: undefined,
  remoteAddress: "127.0.0.1",
  host: "localhost:9090",
  authorization: undefined,
};

describe("without an admin_token the live page", () => {
  it.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])(
    "answers a socket from %s",
    (remoteAddress) => {
      expect(checkAccess({ ...visit, remoteAddress })).toBe("granted");
    },
  );

  it.each(["10.0.0.1", "128.0.0.1", "::ffff:10.0.0.1", "fe80::1", "127.0.0.1.evil", "", undefined])(
    "refuses a socket from %s",
    (remoteAddress) => {
      expect(checkAccess({ ...visit, remoteAddress })).toBe("forbidden");
    },
  );

  it.each([
    "localhost",
    "LOCALHOST:1",
    "gateway.localhost:9090",
    "127.0.0.1",
    "127.1.2.3:9090",
    "[::1]",
    "[::1]:9090",
  ])("answers to the name %s", (host) => {
    expect(checkAccess({ ...visit, host })).toBe("granted");
  });

  it.each([
    "evil.example",
    "evil.example:9090",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "notlocalhost",
    "10.0.0.1:9090",
    "[::2]",
    "",
    undefined,
  ])("refuses the name %s, which may have been rebound to loopback", (host) => {
    expect(checkAccess({ ...visit, host })).toBe("forbidden");
  });
});

describe("with an admin_token the live page", () => {
  const adminToken = "a-token";
  it.each(["Bearer a-token", "bearer   a-token "])(
    "opens to %j from anywhere, under any name",
    (authorization) => {
      const far = { adminToken, authorization, remoteAddress: "10.0.0.1", host: "ops.example" };
      expect(checkAccess(far)).toBe("granted");
    },
  );

  it.each([
    undefined,
    "",
    "a-token",
    "Bearer",
    "Bearer a-toke",
    "Bearer a-tokens",
    "Bearer a-token, Bearer a-token",
    "Basic a-token",
  ])("stays shut to %j, on loopback too", (authorization) => {
    expect(checkAccess({ ...visit, adminToken, authorization })).toBe("needs_token");
  });
});

const outerAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

describe.each(RUNTIMES)("over a socket on $runtime", (runtime) => {
  const PATHS = ["/", "/live/events"];

  it("believes the socket and no header", async () => {
    const { adminUrl } = await startServed(
      runtime,
      configOver("127.0.0.1:9", { metrics_listen: "0.0.0.0:0" }),
    );
    const { port } = new URL(adminUrl);
    const status = async (base: string, target: string, headers: [string, string][] = []) =>
      (await rawRequest(base, { method: "HEAD", target, headers })).status;
    for (const path of PATHS) {
      expect(await status(adminUrl, path)).toBe(200);
      expect(await status(adminUrl, path, [["x-forwarded-for", "10.0.0.1"]])).toBe(200);
      expect(await status(adminUrl, path, [["host", "evil.example"]])).toBe(403);
      if (outerAddress === undefined) continue;
      const outer = `http://${outerAddress}:${port}`;
      const claims: [string, string][] = [
        ["host", "localhost"],
        ["x-forwarded-for", "127.0.0.1"],
        ["x-real-ip", "127.0.0.1"],
        ["forwarded", "for=127.0.0.1"],
      ];
      expect(await status(outer, path, claims)).toBe(403);
      expect(await status(outer, "/metrics")).toBe(200);
    }
  });

  it("asks for the token on the page and on the feed, and takes it as a bearer", async () => {
    const config = configOver("127.0.0.1:9", { admin_token: "a-token" });
    const gateway = await startServed(runtime, config);
    for (const path of PATHS) {
      const refused = await fetch(gateway.adminUrl + path);
      expect(refused.status).toBe(401);
      expect(refused.headers.get("www-authenticate")).toBe("Bearer");
      expect(await refused.text()).not.toContain("a-token");
      const bearer = { authorization: "Bearer a-token" };
      expect((await fetch(gateway.adminUrl + path, { method: "HEAD", headers: bearer })).status).toBe(200);
    }
    expect((await fetch(`${gateway.adminUrl}/metrics`)).status).toBe(200);
    await gateway.reload({ ...config, admin_token: "another" }, /config reloaded/);
    const old = { authorization: "Bearer a-token" };
    expect((await fetch(`${gateway.adminUrl}/live/events`, { headers: old })).status).toBe(401);
    expect(gateway.process.stderr()).not.toMatch(/a-token|another/);
  });
});
