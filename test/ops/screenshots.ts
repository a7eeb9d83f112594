/** Takes the README's pictures of the live page, over made-up traffic: `npx node test/ops/screenshots.ts`. */
import { fileURLToPath } from "node:url";
import { launchBrowser } from "./browser.ts";
import { serveScriptedPage } from "./scripted-feed.ts";

const SHOTS = [
  { name: "live-desktop-light", width: 1280, height: 980, colorScheme: "light", isMobile: false },
  { name: "live-desktop-dark", width: 1280, height: 980, colorScheme: "dark", isMobile: false },
  { name: "live-phone-light", width: 390, height: 844, colorScheme: "light", isMobile: true },
  { name: "live-phone-dark", width: 390, height: 844, colorScheme: "dark", isMobile: true },
] as const;

const page = await serveScriptedPage(Date.UTC(2026, 10, 20, 14, 30));
const browser = await launchBrowser();
for (const { name, width, height, colorScheme, isMobile } of SHOTS) {
  const tab = await browser.newPage({
    viewport: { width, height },
    colorScheme,
    isMobile,
    timezoneId: "UTC",
    locale: "en-GB",
  });
  await tab.goto(page.url);
  await tab.locator("#breakers li").first().waitFor();
  await tab.locator("tbody tr").first().waitFor();
  await tab.screenshot({ path: fileURLToPath(new URL(`../../docs/${name}.png`, import.meta.url)) });
  await tab.close();
}
await browser.close();
page.close();
