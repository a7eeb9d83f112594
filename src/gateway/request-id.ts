/** UUIDv7 (RFC 9562 §5.7): sortable by time, unique without coordination. */

/** Random numbers are drawn for this many ids at once: a call of the system's generator costs as much as fifty ids. */
const IDS_PER_DRAW = 256;
/** Of 16 bits each; 12 are three digits, and the first one's others are the variant's. */
const NUMBERS_PER_ID = 6;

/** Three digits for each 12-bit number that came up so far: to make them all takes a millisecond of a cold start. */
const HEX = new Array<string>(4096);

function threeDigits(number: number): string {
  HEX[number] ??= number.toString(16).padStart(3, "0");
  return HEX[number];
}

/** The variant's digit by two random bits: binary 10xx. */
const VARIANTS = ["8", "9", "a", "b"];

/** Gives a function that makes ids for a time in milliseconds since the epoch. */
export function createRequestIds(): (nowMs: number) => string {
  const random = new Uint16Array(IDS_PER_DRAW * NUMBERS_PER_ID);
  let at = random.length;
  let time = Number.NaN;
  /** The time's digits and the version: `019a0f3c-5b1e-7`. */
  let prefix = "";
  return (nowMs) => {
    if (at === random.length) {
      crypto.getRandomValues(random);
      at = 0;
    }
    if (nowMs !== time) {
      time = nowMs;
      const hex = Math.floor(nowMs).toString(16).padStart(12, "0");
      prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    }
    const digits = (offset: number): string => threeDigits(random[at + offset]! & 0xfff);
    const variant = VARIANTS[random[at]! >> 14]!;
    const id = `${prefix}${digits(0)}-${variant}${digits(1)}-${digits(2)}${digits(3)}${digits(4)}${digits(5)}`;
    at += NUMBERS_PER_ID;
    return id;
  };
}
