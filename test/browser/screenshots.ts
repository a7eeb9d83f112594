/** Takes the README's pictures of the live page, over made-up traffic: `npx node test/browser/screenshots.ts`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "./browser.ts";

const SHOTS = [
  { name: "live-desktop-light", width: 1280, height: 980, colorScheme: "light", isMobile: false },
  { name: "live-desktop-dark", width: 1280, height: 980, colorScheme: "dark", isMobile: false },
  { name: "live-phone-light", width: 390, height: 844, colorScheme: "light", isMobile: true },
  { name: "live-phone-dark", width: 390, height: 844, colorScheme: "dark", isMobile: true },
] as const;

const script = fileURLToPath(new URL("scripted-page.ts", import.meta.url));
const server = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
const [url] = await once(server.stdout, "data");
const browser = await launchBrowser();
for (const { name, width, height, colorScheme, isMobile } of SHOTS) {
  const tab = await browser.newPage({
    viewport: { width, height },
    colorScheme,
    isMobile,
    timezoneId: "UTC",
    locale: "en-GB",
  });
  await tab.goto(String(url).trim());
  await tab.locator("#breakers li").first().waitFor();
  await tab.locator("tbody tr").first().waitFor();
  if (name === "live-phone-dark") await tab.locator("#rows").evaluate((rows) => rows.scrollIntoView());
  await tab.screenshot({ path: fileURLToPath(new URL(`../../docs/${name}.png`, import.meta.url)) });
  await tab.close();
}
await browser.close();
server.kill();
