/** Runs programs in process groups of their own, and leaves none behind. */
import { spawn } from "node:child_process";

interface ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Output of both streams, as it comes. A throw stops the program, and the run rejects with it. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Where stderr goes if not to `onOutput`. */
  readonly onErrorOutput?: (chunk: Buffer) => void;
}

export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
}

export interface Processes {
  /** Settles when the program has ended, not when its last descendant has. Rejects when it cannot be started. */
  run(options: ProcessOptions): Promise<ProcessEnd>;
  /** Kills what runs, and what earlier programs left in the background. */
  killAll(): void;
}

/** How long a group may take to end after SIGTERM, before SIGKILL. */
const termGraceMs = 2_000;
const pollMs = 25;
/** Output that was written before the end may still be in the pipe: after so long a silence, all of it has been read. */
const quietMs = 50;
const maxQuietMs = 1_000;

export function createProcesses(): Processes {
  /** Groups that run, or outlived their leader. The system gives no id to another group while a member is alive. */
  const groups = new Set<number>();

  return {
    async run(options) {
      const child = spawn(options.file, options.args, {
        cwd: options.cwd,
        env: options.env,
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      const failed = new AbortController();
      const output = follow(child, options, (thrown) => failed.abort(thrown));
      const ended = new Promise<Omit<ProcessEnd, "timedOut">>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", (code, signal) => resolve({ code, signal }));
      });
      if (child.pid === undefined) return ended.then((end) => ({ ...end, timedOut: false }));
      const group = child.pid;
      groups.add(group);
      const stopper = createStopper(
        group,
        AbortSignal.any([options.signal, failed.signal]),
        options.timeoutMs,
      );
      const end = await ended;
      stopper.cancel();
      await stopper.stopped();
      await output.settled();
      if (!isAlive(group)) groups.delete(group);
      failed.signal.throwIfAborted();
      return { ...end, timedOut: stopper.timedOut() };
    },
    killAll() {
      for (const group of groups) signalGroup(group, "SIGKILL");
      groups.clear();
    },
  };
}

/** Stops the whole group on timeout or abort: asks first, kills what stays. */
function createStopper(group: number, signal: AbortSignal, timeoutMs: number) {
  let stopping: Promise<void> | undefined;
  let late = false;
  const stop = () => {
    stopping ??= stopGroup(group);
  };
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timeoutMs);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  return {
    cancel() {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    },
    stopped: () => stopping ?? Promise.resolve(),
    timedOut: () => late,
  };
}

async function stopGroup(group: number): Promise<void> {
  signalGroup(group, "SIGTERM");
  const deadline = performance.now() + termGraceMs;
  while (isAlive(group) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  signalGroup(group, "SIGKILL");
}

function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group is gone: that is what was wanted.
  }
}

/**
 * Hands the output on. A background process may hold the pipe for hours: once the program has ended, silence ends the
 * output. The pipe is still read after that, and what comes is thrown away, so that a server left running does not die
 * of a full or broken pipe. `onFailure` gets what a listener throws; the listeners are told no more then.
 */
function follow(
  child: ReturnType<typeof spawn>,
  options: ProcessOptions,
  onFailure: (thrown: unknown) => void,
) {
  let listening = true;
  let lastAt = 0;
  let open = 2;
  const streams = [
    { stream: child.stdout, sink: options.onOutput },
    { stream: child.stderr, sink: options.onErrorOutput ?? options.onOutput },
  ];
  for (const { stream, sink } of streams) {
    stream?.on("data", (chunk: Buffer) => {
      lastAt = performance.now();
      if (!listening) return;
      try {
        sink(chunk);
      } catch (thrown) {
        listening = false;
        onFailure(thrown);
      }
    });
    stream?.once("close", () => {
      open--;
    });
    stream?.on("error", () => undefined);
  }
  return {
    async settled() {
      const endAt = performance.now();
      lastAt = endAt;
      while (open > 0 && performance.now() - lastAt < quietMs && performance.now() - endAt < maxQuietMs) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      listening = false;
      for (const { stream } of streams) unref(stream);
    },
  };
}

/** Node types a child's stream as any `Readable`; it is a socket, which would keep the agent's process alive. */
function unref(stream: object | null): void {
  if (stream && "unref" in stream && typeof stream.unref === "function") stream.unref();
}
