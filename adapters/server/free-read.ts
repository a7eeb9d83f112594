/**
 * Detaches the chunk's buffer at once instead of waiting for the GC, so that the next read finds warm memory. The chunk must
 * be the last of its read.
 */
export function freeRead({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteOffset + byteLength) buffer.transfer(0);
}
