/** How long a provider may keep us waiting, for a response head or for the next chunk. The client's own pauses do not count. */
import type { Clock } from "./ports.ts";

export interface ReadTimeout {
  /** It is the provider's turn; counts anew from now. */
  waiting(): void;
  /** It is not. */
  pause(): void;
  /** For good. */
  stop(): void;
  readonly expired: boolean;
}

/** `onExpired` is called at most once. One timer a request, set again only when it fires: a chunk costs a clock reading. */
export function createReadTimeout(ms: number, clock: Clock, onExpired: () => void): ReadTimeout {
  let since: number | undefined;
  let expired = false;
  const check = (): void => {
    const left = since === undefined ? ms : since + ms - clock.monotonic();
    if (left > 0) {
      timer = setTimeout(check, left);
      return;
    }
    expired = true;
    onExpired();
  };
  let timer = setTimeout(check, ms);
  return {
    waiting() {
      since = clock.monotonic();
    },
    pause() {
      since = undefined;
    },
    stop: () => clearTimeout(timer),
    get expired() {
      return expired;
    },
  };
}
