/** A real nats-server for tests and benches: JetStream in a directory of its own, and a WebSocket listener. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type KV, Kvm, type KvOptions } from "@nats-io/kv";
import { type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { isExecutable } from "./executable.ts";

/** Debian's package puts it outside the PATH of ordinary users. */
const USUAL_DIRECTORIES = ["/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

const HOW_TO_GET = [
  "nats-server is not on this machine.",
  "Debian and Ubuntu: apt-get update && apt-get install nats-server",
  "(without root: apt-get download nats-server && dpkg -x nats-server_*.deb DIR, then NATS_SERVER=DIR/usr/sbin/nats-server).",
  "macOS: brew install nats-server.",
].join("\n");

export function findNatsServer(): string {
  const given = process.env.NATS_SERVER;
  if (given !== undefined) return given;
  const directories = [...(process.env.PATH ?? "").split(delimiter), ...USUAL_DIRECTORIES];
  const found = directories.map((directory) => join(directory, "nats-server")).find(isExecutable);
  if (found === undefined) throw new Error(HOW_TO_GET);
  return found;
}

interface NatsUser {
  readonly user: string;
  readonly password: string;
  /** What it may do, as the server's config has it; anything unless told. */
  readonly permissions?: string;
}

/** May do anything: for a test's own clients, beside a user who may not. */
export const ADMIN: NatsUser = { user: "admin", password: "admin" };

export interface NatsServerOptions {
  /** Ask for one of these; the first is whom the tests' own clients log in as. */
  readonly users?: readonly NatsUser[];
}

export interface NatsServer {
  /** `ws://127.0.0.1:…`, the same after a restart. */
  readonly url: string;
  /** The same with the name and password of one of its users. */
  urlFor(user: string): string;
  /** Starts it (again), on the same port and storage; resolves when it accepts WebSockets and JetStream is up. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** A client of its own, closed with the server. */
  connect(): Promise<NatsConnection>;
  bucket(name: string, options?: Partial<KvOptions>): Promise<KV>;
  /** Kills it and removes its storage. */
  dispose(): Promise<void>;
}

/** Reserves a port and a directory; nothing runs until `start`. */
export async function createNatsServer({ users = [] }: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = findNatsServer();
  const directory = mkdtempSync(join(tmpdir(), "beyond-ai-nats-"));
  const port = await freePort();
  const config = join(directory, "nats.conf");
  await writeFile(
    config,
    [
      `host: "127.0.0.1"`,
      "port: -1",
      `websocket { host: "127.0.0.1", port: ${port}, no_tls: true }`,
      `jetstream { store_dir: ${JSON.stringify(directory)} }`,
      users.length === 0 ? "" : `authorization { users: [${users.map(formatUser).join(", ")}] }`,
    ].join("\n"),
  );
  const url = `ws://127.0.0.1:${port}`;
  const clients: NatsConnection[] = [];
  let child: ChildProcess | undefined;

  const server: NatsServer = {
    url,
    urlFor(name) {
      const { user, password } = users.find((one) => one.user === name)!;
      return `ws://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
    },
    async start() {
      const started = spawn(binary, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
      child = started;
      let output = "";
      await new Promise<void>((resolve, reject) => {
        started.stderr.setEncoding("utf8").on("data", (text: string) => {
          output += text;
          if (output.includes("Server is ready")) resolve();
        });
        started.once("error", reject);
        started.once("exit", () => reject(new Error(`nats-server did not start:\n${output}`)));
      });
    },
    async kill() {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const exited = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGKILL");
      await exited;
    },
    async connect() {
      const [own] = users;
      const login = own && { user: own.user, pass: own.password };
      const nc = await wsconnect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...login });
      clients.push(nc);
      return nc;
    },
    async bucket(name, bucketOptions) {
      return new Kvm(await server.connect()).create(name, bucketOptions);
    },
    async dispose() {
      await Promise.all(clients.map((nc) => nc.close()));
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return server;
}

const formatUser = ({ user, password, permissions = `publish: ">", subscribe: ">"` }: NatsUser): string =>
  `{ user: ${user}, password: ${JSON.stringify(password)}, permissions: { ${permissions} } }`;

/**
 * A port that nobody holds. Needed beforehand, since a restart must come back to it, and so none of those that the system
 * hands out: it would hand it to somebody else while the server is down.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
