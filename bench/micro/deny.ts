/** The deny-set at a million entries: a lookup, and what it allocates. */
import { DenySet } from "../../src/deny/deny-set.ts";
import { calling, check, flat, type MicroCase } from "./case.ts";

const ENTRIES = 1_000_000;
const IDS = 100_000;
const EXPIRES_AT = 0xffff_ffff;

export function denyCases(): MicroCase[] {
  const set = filledSet();
  const size = `1,000,000 entries in ${(set.byteLength / 1e6).toFixed(0)} MB`;
  // Every other entry expires, and asks for the time.
  const denied = idTexts(0);
  const lasting = denied.filter((_, n) => n % 2 === 1);
  const expiring = denied.filter((_, n) => n % 2 === 0);
  const looking = (name: string, ids: readonly string[], reason: "spend" | undefined): MicroCase => ({
    name: `deny lookup, ${name}`,
    ...calling(ids, (id) => check(set.lookup("tenant", id) === reason, name)),
    bar: { atMostNs: 200, noHeap: true },
  });
  return [
    looking(`${size}: denied`, lasting, "spend"),
    looking("denied until some time", expiring, "spend"),
    looking("not denied", idTexts(ENTRIES), undefined),
  ];
}

function filledSet(): DenySet {
  // A clock of its own: the number that `Date.now` makes would be counted as the lookup's.
  const set = new DenySet(() => 0);
  for (let n = 0; n < ENTRIES; n++) {
    const id = idOf(n);
    const tenant = { kind: "tenant", high: Number(id >> 32n), low: Number(id & 0xffff_ffffn) } as const;
    set.set(tenant, { reason: "spend", expiresAt: n % 2 === 0 ? EXPIRES_AT : 0 });
  }
  return set;
}

/** Spread over the whole of u64. */
const idOf = (n: number): bigint => BigInt.asUintN(64, BigInt(n) * 0x9e37_79b9_7f4a_7c15n);

const idTexts = (from: number): string[] =>
  Array.from({ length: IDS }, (_, n) => flat(String(idOf(from + n))));
