/** `npm run bench`: every benchmark of bench/micro/, one after the other, each in a process of its own. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("micro/", import.meta.url);

for (const name of readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .sort()) {
  console.log(`\n${name}`);
  // With --expose-gc what is allocated can be measured too.
  const args = ["--expose-gc", fileURLToPath(new URL(name, folder)), ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
