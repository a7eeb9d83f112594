/** The program of a worker. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Resolved from the package's root, since the build bundles this file into another one. */
export function workerEntry(): string {
  const root = dirname(createRequire(import.meta.url).resolve("beyond-ai/package.json"));
  return import.meta.url.endsWith(".ts")
    ? join(root, "adapters/node/cluster/worker.ts")
    : join(root, "dist/adapters/node/cluster/worker.js");
}
