/** `beyond-ai dev`: the gateway to try, without config, keys or network. Speaks to people, on stdout. */
import { Command, InvalidArgumentError } from "commander";
import type { Log } from "../../../src/gateway/ports.ts";
import { stopOnSignals } from "../signals.ts";
import { type CliContext, reporting } from "./conventions.ts";
import type { DevGateway } from "./dev-gateway.ts";
import { paint } from "./paint.ts";
import { formatRowLine } from "./row-line.ts";
import { createSnippets } from "./snippets.ts";

export function devCommand({ runtime, version }: CliContext): Command {
  return new Command("dev")
    .description("try it: an embedded provider, a fresh key, snippets to paste, each row as it comes")
    .option("--port <port>", "where to listen on 127.0.0.1 (default: 8080, or the next free one)", parsePort)
    .action(
      reporting(async ({ port }: { readonly port?: number }) => {
        const { startDevGateway } = await import("./dev-gateway.ts");
        const gateway = await startDevGateway({
          runtime,
          version,
          port,
          log: logForPeople,
          onUsage: (row) => print(formatRowLine(row)),
        });
        stopOnSignals(async () => gateway.destroy());
        print(greeting(gateway));
      }),
    );
}

function greeting({ url, liveUrl, key, takenPort }: DevGateway): string {
  const note = takenPort === undefined ? "" : `Port ${takenPort} is in use, so this is the next free one.\n`;
  const snippets = createSnippets({ url, key }).map(
    ({ title, code }) => `${paint("bold", `# ${title}`)}\n\n${code}\n`,
  );
  return `
${paint("bold", "beyond-ai dev")}  ${url}
${paint("bold", "live page")}      ${liveUrl}
${note}
Virtual key (tenant 1, VPC 1, key 1; good until this process ends):

${key}

${snippets.join("\n")}
An embedded provider answers for OpenAI, Anthropic and all others: nothing leaves this machine.
Each managed request gives a row, shown here. Ctrl-C ends.
`;
}

/** Only what needs attention. */
const logForPeople: Log = (level, message, fields) => {
  if (level === "debug" || level === "info") return;
  print(
    `${paint(level === "warn" ? "yellow" : "red", level)}  ${message}${fields ? ` ${JSON.stringify(fields)}` : ""}`,
  );
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function parsePort(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError("It must be a port from 0 (any free one) to 65535.");
  }
  return Number(text);
}
