/** When another attempt is worth making, and how long to wait before it. */

/** Attempts after the first: for a request that got no answer, and again for a stream that broke. */
export const maxRetries = 3;

const firstDelayMs = 250;
const maxDelayMs = 30_000;

/** The statuses that another attempt may mend. Any other refusal is final, denials (402, 403) included. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/**
 * Milliseconds to wait before retry `attempt` (from 1): what the server asked for, else 250 ms doubled with each retry and
 * shortened at random by up to a half. Never above 30 s. `random` gives [0, 1).
 */
export function retryDelayMs(
  attempt: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  if (retryAfterMs !== undefined) return Math.min(maxDelayMs, retryAfterMs);
  const full = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
  return Math.round(full * (1 - random() / 2));
}

/** `retry-after-ms`, or `retry-after` as seconds or an HTTP date (RFC 9110 §10.2.3); undefined when absent or unreadable. */
export function parseRetryAfter(header: (name: string) => string | null, nowMs: number): number | undefined {
  const exact = number(header("retry-after-ms"));
  if (exact !== undefined) return exact;
  const value = header("retry-after");
  const seconds = number(value);
  if (seconds !== undefined) return seconds * 1000;
  const at = value === null ? Number.NaN : Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function number(value: string | null): number | undefined {
  return value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
}

/** Settles after `ms`, or at once when the signal is aborted. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
