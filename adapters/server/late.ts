/** Modules that no first request waits for: loaded once the listeners are up. */

/** When nobody asked before. A process must have them all before its files are replaced by another version's. */
const LOAD_AFTER_MS = 250;

/** Calls `load` when first asked, or soon after the start; gives the same promise ever after. */
export function createLate<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  const get = (): Promise<T> => {
    loaded ??= load();
    return loaded;
  };
  // Whoever asks hears of the failure.
  setTimeout(() => get().catch(() => {}), LOAD_AFTER_MS).unref();
  return get;
}
