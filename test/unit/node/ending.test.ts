/** How a worker of `workers = N` ends. */
import { describe, expect, it } from "vitest";
import { createEnding } from "../../../adapters/node/cluster/ending.ts";

/** Ends twice; gives what happened, in order, up to the exit. */
function endTwice(close: () => Promise<void>): Promise<string[]> {
  const events: string[] = [];
  return new Promise((resolve) => {
    const end = createEnding({
      close,
      reporter: {
        end(onTold) {
          events.push("last report");
          onTold();
        },
      },
      log: (level, message, fields) => events.push(`${level}: ${message}: ${fields?.error}`),
      exit(code) {
        events.push(`exit ${code}`);
        resolve(events);
      },
    });
    end();
    end();
  });
}

describe("the end of a worker", () => {
  it("comes once it has drained and reported", async () => {
    expect(await endTwice(async () => {})).toEqual(["last report", "exit 0"]);
  });

  it("comes all the same when the drain fails, which is said", async () => {
    expect(await endTwice(async () => Promise.reject(new Error("no disk")))).toEqual([
      "error: the drain failed: Error: no disk",
      "last report",
      "exit 1",
    ]);
  });
});
