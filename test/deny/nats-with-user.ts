/** A nats-server with an administrator and a user who may do little. */

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNatsServer } from "../support/nats-server.ts";

export interface NatsWithUser {
  /** For the user and password `admin`. */
  readonly adminUrl: string;
  /** With the user's name and password in it. */
  readonly userUrl: string;
  dispose(): Promise<void>;
}

/** @param permissions of the user, as the server's config has them */
export async function startNatsWithUser(permissions: string): Promise<NatsWithUser> {
  const directory = await mkdtemp(join(tmpdir(), "beyond-ai-nats-"));
  const config = join(directory, "nats.conf");
  await writeFile(
    config,
    `host: "127.0.0.1"
    port: -1
    websocket { host: "127.0.0.1", port: -1, no_tls: true }
    jetstream { store_dir: ${JSON.stringify(directory)} }
    authorization { users: [
      { user: admin, password: admin }
      { user: gateway, password: secret, permissions: { ${permissions} } }
    ] }`,
  );
  const child = spawn(findNatsServer(), ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const listening = /websocket clients on ws:\/\/(\S+)/.exec(output);
      if (listening !== null && output.includes("Server is ready")) resolve(listening[1]!);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`nats-server did not start:\n${output}`)));
  });
  return {
    adminUrl: `ws://${host}`,
    userUrl: `ws://gateway:secret@${host}`,
    async dispose() {
      child.kill("SIGKILL");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
