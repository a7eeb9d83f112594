/** The Workers bundle: small, and nothing of Node in it. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { buildWorker } from "../../adapters/workers/local/build.ts";

describe("the Workers bundle", () => {
  it("is under 100 KB gzipped", async () => {
    expect(gzipSync(await buildWorker()).length).toBeLessThan(100_000);
  });

  it("imports no module but the runtime's own", async () => {
    const imports = [...(await buildWorker()).matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
      ([, name]) => name,
    );
    expect(imports).toEqual(["cloudflare:workers"]);
  });
});
