/**
 * Gives the memory of a chunk back now, for the next read to find it warm: the garbage of an upload grows to tens of
 * megabytes before a collector comes for it, or brings collections of everything, a few for each 64 MB.
 */
export function freeChunk({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
