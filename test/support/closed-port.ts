/** An address that refuses connections. */

/**
 * A port that no test can be given meanwhile, as one that was freed a moment ago can: it lies below those that the system
 * hands out, and only root may ask for it. No service has it, and `fetch` does not block it, as it does the discard port.
 */
export const CLOSED_PORT = "127.0.0.1:2";
