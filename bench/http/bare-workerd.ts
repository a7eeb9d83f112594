/** Runs bare-worker.js under local workerd, as `start:workers` runs the gateway. `bare-workerd.ts PROVIDER_PORT` prints its port. */
import { fileURLToPath } from "node:url";
import { Log, LogLevel, Miniflare } from "miniflare";

const miniflare = new Miniflare({
  modules: true,
  scriptPath: fileURLToPath(new URL("bare-worker.js", import.meta.url)),
  compatibilityDate: "2026-07-01",
  bindings: { PROVIDER: `http://127.0.0.1:${process.argv[2]}` },
  // Miniflare's own front door is a worker too, and costs as much as this one.
  unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  cf: false,
  log: new Log(LogLevel.NONE),
});
console.log((await miniflare.unsafeGetDirectURL()).port);
process.once("SIGTERM", () => miniflare.dispose());
