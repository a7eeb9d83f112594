/** Things that arrive, for tests that wait for one: no polling, no sleeping. */

/** Items in order of arrival; each is taken once. */
export interface Mailbox<T> {
  put(item: T): void;
  /** The first item, here or to come, that matches. */
  take(matches?: (item: T) => boolean): Promise<T>;
  /** Drops what nobody took, and forgets who waits. */
  clear(): void;
}

/** An empty mailbox. */
export function createMailbox<T>(): Mailbox<T> {
  const items: T[] = [];
  const waiting: { matches: (item: T) => boolean; resolve: (item: T) => void }[] = [];
  return {
    put(item) {
      const at = waiting.findIndex(({ matches }) => matches(item));
      if (at < 0) items.push(item);
      else waiting.splice(at, 1)[0]!.resolve(item);
    },
    take(matches = () => true) {
      const at = items.findIndex(matches);
      if (at >= 0) return Promise.resolve(items.splice(at, 1)[0]!);
      return new Promise((resolve) => waiting.push({ matches, resolve }));
    },
    clear() {
      items.length = 0;
      waiting.length = 0;
    },
  };
}
