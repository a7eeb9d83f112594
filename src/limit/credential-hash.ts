/**
 * HalfSipHash-1-3 of a text's UTF-16LE bytes (https://github.com/veorq/SipHash): a keyed 64-bit hash out of 32-bit
 * additions, rotations and xors. Keyed, because credentials are chosen by clients: nobody can aim at another one's place in a table.
 */

/** Two random 32-bit words. */
export type HashSeed = ArrayLike<number>;

/** Writes the hash to `out[0]` and `out[1]`. Allocates nothing. */
export function hashCredential(text: string, seed: HashSeed, out: Int32Array): void {
  const key0 = seed[0]! | 0;
  const key1 = seed[1]! | 0;
  let v0 = key0;
  let v1 = key1 ^ 0xee;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const length = text.length;
  const pairs = length >> 1;
  // Words: the text two units at a time, then the odd unit and the length in bytes; then three rounds that finish each half.
  for (let i = 0; i < pairs + 7; i++) {
    let word = 0;
    if (i < pairs) word = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 16);
    else if (i === pairs) word = (length << 25) | ((length & 1) === 1 ? text.charCodeAt(length - 1) : 0);
    else if (i === pairs + 1) v2 ^= 0xee;
    else if (i === pairs + 4) {
      out[0] = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5) | (v1 >>> 27);
    v1 ^= v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8) | (v3 >>> 24);
    v3 ^= v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7) | (v3 >>> 25);
    v3 ^= v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13) | (v1 >>> 19);
    v1 ^= v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  out[1] = v1 ^ v3;
}
