/** UUIDv7 (RFC 9562 §5.7): sortable by time, unique without coordination. */

/** Random bytes are drawn for this many ids at once: one call of the system's generator a request would cost more than the id. */
const IDS_PER_DRAW = 64;
const BYTES_PER_ID = 10;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Gives a function that makes ids for a time in milliseconds since the epoch. */
export function createRequestIds(): (nowMs: number) => string {
  const random = new Uint8Array(IDS_PER_DRAW * BYTES_PER_ID);
  let at = random.length;
  return (nowMs) => {
    if (at === random.length) {
      crypto.getRandomValues(random);
      at = 0;
    }
    const hex = (offset: number): string => HEX[random[at + offset]!]!;
    const time = Math.floor(nowMs).toString(16).padStart(12, "0");
    const version = HEX[0x70 | (random[at]! & 0x0f)]!;
    const variant = HEX[0x80 | (random[at + 2]! & 0x3f)]!;
    const id = `${time.slice(0, 8)}-${time.slice(8)}-${version}${hex(1)}-${variant}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
    at += BYTES_PER_ID;
    return id;
  };
}
