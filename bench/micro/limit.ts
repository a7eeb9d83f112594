/**
 * What a request pays for its ceiling and for the memory of verified tokens, with 100,000 credentials active.
 * `node --expose-gc bench/micro/limit.ts`; without --expose-gc the heap figures are missing.
 */

import { getPublicKeyAsync } from "@noble/ed25519";
import { encodeBase64Url } from "../../src/keys/base64url.ts";
import { createKeyring } from "../../src/keys/keyring.ts";
import { createVerifier } from "../../src/keys/verifier.ts";
import { mintVirtualKey, parseVirtualKey } from "../../src/keys/virtual-key.ts";
import { createCeilings } from "../../src/limit/ceiling.ts";

const ACTIVE = 100_000;
const CHECKS = 2_000_000;
const HEAP_CHECKS = 1000;

/** Credentials of a real key's length. Flat strings: a rope would be flattened, and charged, at its first hash. */
const credentials = Array.from({ length: ACTIVE }, (_, i) =>
  Buffer.from(`bai_v2.1.${String(i).padStart(32, "A")}.${"s".repeat(86)}`).toString("latin1"),
);

function measure(name: string, run: (index: number) => boolean): void {
  const start = performance.now();
  let yes = 0;
  for (let i = 0; i < CHECKS; i++) if (run(i % ACTIVE)) yes++;
  const ns = ((performance.now() - start) * 1e6) / CHECKS;
  console.log(`${name}: ${ns.toFixed(0)} ns${heapPerCheck(run)}, ${((100 * yes) / CHECKS).toFixed(3)} % yes`);
}

/** Over so few checks that no collection comes between, which would hide what was allocated; less what measuring takes. */
function heapPerCheck(run: (index: number) => boolean): string {
  if (globalThis.gc === undefined) return "";
  const bytes = heapGrowth(run) - heapGrowth(() => true);
  return `, ${(bytes / HEAP_CHECKS).toFixed(1)} B of heap a check`;
}

function heapGrowth(run: (index: number) => boolean): number {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < HEAP_CHECKS; i++) run(i);
  return process.memoryUsage().heapUsed - before;
}

const ceilings = createCeilings({ rps: 100, seed: [1, 2] });
// A clock that gives every credential 50 checks a second: all are under their ceiling. In whole milliseconds, for a fraction
// passed to a function is boxed by the caller, and would be counted here.
let checks = 0;
measure(`ceiling, ${ACTIVE} active, half their rate`, (index) => {
  checks++;
  return ceilings.allow(credentials[index]!, Math.floor((checks * 1000) / (50 * ACTIVE)));
});
measure("ceiling, one runaway credential", () => ceilings.allow("bai_v1.1.runaway", 1000));

const seed = new Uint8Array(32).fill(1);
const keyring = createKeyring({ 1: encodeBase64Url(await getPublicKeyAsync(seed)) });
// The signature is not what is measured, and 10,000 of them would take a while.
const verifier = createVerifier({ keyring, verify: () => true });
const tokens: string[] = [];
for (let i = 0; i < 1000; i++) {
  const token = await mintVirtualKey({ secretKey: seed, kid: 1, tenantId: String(i), vpcId: "1" });
  verifier.verify(token, parseVirtualKey(token)!);
  tokens.push(token);
}
measure("recall, of 1,000 remembered", (index) => verifier.recall(tokens[index % 1000]!) !== undefined);
// A request's own copy of the token has no hash yet, as it comes from the wire.
const copies = tokens.map((token) => Buffer.from(token));
measure(
  "recall, of a token just read from the wire",
  (index) => verifier.recall(copies[index % 1000]!.toString("latin1")) !== undefined,
);
measure(
  "parse a token that is not remembered",
  (index) => parseVirtualKey(tokens[index % 1000]!) !== undefined,
);
