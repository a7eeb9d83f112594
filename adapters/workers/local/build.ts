/** Bundles the worker into the one module that Cloudflare is sent. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const GATEWAY = fileURLToPath(new URL("../worker.ts", import.meta.url));

/** The module's source, minified. The settings are those of `wrangler deploy --minify`. */
export async function buildWorker(entry = GATEWAY): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    logLevel: "silent",
  });
  return outputFiles[0]!.text; // one entry point makes one file
}
