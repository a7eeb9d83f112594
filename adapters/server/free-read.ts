/**
 * Gives the memory of what a socket brought back now, for the next read to find it warm: the garbage of an upload grows to
 * tens of megabytes before a collector comes for it, or brings collections of everything, a few for each 64 MB. `chunk` is
 * the last of a read: what stands before it there has been read, and nothing stands behind it.
 */
export function freeRead({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteOffset + byteLength) buffer.transfer(0);
}
