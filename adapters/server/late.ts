/** Modules that are loaded when first used, or soon after the start. */

/** Loaded by then even if unused: an upgrade may replace the files while the process runs. */
const LOAD_AFTER_MS = 250;

/** Calls `load` when first asked, or soon after the start; returns the same promise from then on. */
export function createLate<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  const get = (): Promise<T> => {
    loaded ??= load();
    return loaded;
  };
  // A failure is reported to whoever asks.
  setTimeout(() => get().catch(() => {}), LOAD_AFTER_MS).unref();
  return get;
}
