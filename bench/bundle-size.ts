/** `node bench/bundle-size.ts`: what Cloudflare is sent, in bytes; fails above the limit. */
import { gzipSync } from "node:zlib";
import { buildWorker } from "../adapters/workers/local/build.ts";

/** gateway.md and issue 5: under 100 KB gzipped. */
const MAX_GZIPPED_BYTES = 100_000;

const source = await buildWorker();
const gzipped = gzipSync(source, { level: 9 }).length;
console.log(JSON.stringify({ bytes: Buffer.byteLength(source), gzipped, max_gzipped: MAX_GZIPPED_BYTES }));
if (gzipped >= MAX_GZIPPED_BYTES) process.exitCode = 1;
