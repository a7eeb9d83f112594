/** Headless Chromium for tests: Debian's, or wherever `CHROMIUM` says. */
import { type Browser, chromium } from "playwright-core";
import { isExecutable } from "../support/executable.ts";

const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Throws with the way to get one when there is none. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((path) => path !== undefined && isExecutable(path));
  if (executablePath === undefined) {
    throw new Error(
      "The live page is tested in Chromium, and there is none: run `apt-get update && apt-get install -y chromium`, or set CHROMIUM to the path of one.",
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
