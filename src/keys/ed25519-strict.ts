/**
 * What RFC 8032 leaves to the verifier, settled before any native one is asked: Node, Bun, workerd and noble
 * differ on small-order `R`, and one token must have one verdict everywhere.
 */

const hex = (text: string): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));

/** The y of every canonical point of order 1, 2, 4 or 8, little-endian. Either sign bit names a point of small order. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  `01${"00".repeat(31)}`, // the identity, order 1
  `ec${"ff".repeat(30)}7f`, // p - 1, order 2
  "00".repeat(32), // order 4
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
].map(hex);

/** The group order L = 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 8032 §5.1). */
const L = hex(`edd3f55c1a631258d69cf7a2def9de14${"00".repeat(15)}10`);

/** `R` (the first 32 bytes) is canonical and not of small order, and `S` (the last 32) is below L. */
export function isStrictSignature(signature: Uint8Array): boolean {
  return (
    signature.length === 64 && !isSmallOrder(signature) && isCanonicalY(signature) && isBelowL(signature)
  );
}

function isSmallOrder(point: Uint8Array): boolean {
  return SMALL_ORDER_Y.some((y) => {
    for (let i = 0; i < 31; i++) if (point[i] !== y[i]) return false;
    return (point[31]! & 0x7f) === y[31];
  });
}

/** y < p = 2^255 - 19. The non-canonical encodings of small-order points all fail here. */
function isCanonicalY(point: Uint8Array): boolean {
  if ((point[31]! & 0x7f) !== 0x7f || point[0]! < 0xed) return true;
  for (let i = 1; i < 31; i++) if (point[i] !== 0xff) return true;
  return false;
}

function isBelowL(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = signature[32 + i]! - L[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
