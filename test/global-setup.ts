/** Gets the one program that the suites need and npm does not have: a real nats-server, from Debian's packages, without root. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findNatsServer } from "./support/nats-server.ts";

const FOLDER = join(import.meta.dirname, "../node_modules/.cache/nats-server");
const PROGRAM = join(FOLDER, "usr/sbin/nats-server");

/** Where there is none to be had, the tests that need it say how to get it. */
export default function setup(): void {
  try {
    findNatsServer();
  } catch {
    if (existsSync(PROGRAM) || unpack()) process.env.NATS_SERVER = PROGRAM;
  }
}

function unpack(): boolean {
  console.log("nats-server is not on this machine: unpacking Debian's package under node_modules/.cache");
  mkdirSync(FOLDER, { recursive: true });
  if (
    !run("apt-get", ["download", "nats-server"]) &&
    !(run("apt-get", ["update"]) && run("apt-get", ["download", "nats-server"]))
  ) {
    return false;
  }
  const archive = readdirSync(FOLDER).find((name) => name.endsWith(".deb"));
  return archive !== undefined && run("dpkg", ["-x", archive, "."]) && existsSync(PROGRAM);
}

function run(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { cwd: FOLDER, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
