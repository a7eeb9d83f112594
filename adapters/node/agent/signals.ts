/** SIGINT, SIGTERM and SIGHUP: the first asks for an orderly end, the second ends at once. */
import { constants } from "node:os";

const watched = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

interface SignalWatch {
  /** 128 + the number of the signal that came, or undefined. */
  exitCode(): number | undefined;
}

export function watchSignals(onFirst: () => void, onSecond: () => void): SignalWatch {
  let code: number | undefined;
  for (const name of watched) {
    process.on(name, () => {
      if (code !== undefined) {
        onSecond();
        process.exit(code);
      }
      code = 128 + constants.signals[name];
      onFirst();
    });
  }
  return { exitCode: () => code };
}
