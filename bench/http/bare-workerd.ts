/** Runs bare-worker.js under local workerd. `bare-workerd.ts PROVIDER_PORT` prints its port. */
import { fileURLToPath } from "node:url";
import { Log, LogLevel, Miniflare } from "miniflare";

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  scriptPath: fileURLToPath(new URL("bare-worker.js", import.meta.url)),
  compatibilityDate: "2026-01-01",
  bindings: { PROVIDER: `http://127.0.0.1:${process.argv[2]}` },
  log: new Log(LogLevel.NONE),
});
console.log((await miniflare.ready).port);
process.once("SIGTERM", () => miniflare.dispose());
