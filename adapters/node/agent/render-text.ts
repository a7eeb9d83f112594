/** A run for people and pipes: the answer on stdout, everything else on stderr. */
import { type AgentEvent, type EventSink, wholeInput } from "../../../src/agent/index.ts";
import { addUsage, noUsage } from "../../../src/agent/usage.ts";

interface TextTarget {
  out(text: string): void | Promise<void>;
  err(text: string): void | Promise<void>;
}

const maxInputChars = 120;

export function createTextRenderer({ out, err }: TextTarget): EventSink {
  let usage = noUsage;
  /** What the turn has printed; a turn that is started again prints only what differs. */
  let printed = "";
  let heard = "";
  let atLineStart = true;
  let block: number | undefined;

  function print(text: string): void | Promise<void> {
    if (text === "") return;
    atLineStart = text.endsWith("\n");
    return out(text);
  }

  function endLine(): void | Promise<void> {
    return atLineStart ? undefined : print("\n");
  }

  function say(index: number, text: string): void | Promise<void> {
    const gap = block !== undefined && block !== index && heard !== "" && !heard.endsWith("\n") ? "\n" : "";
    block = index;
    heard += gap + text;
    if (heard.length <= printed.length && printed.startsWith(heard)) return;
    if (!heard.startsWith(printed)) {
      // The second attempt says something else: it begins on a line of its own.
      printed = heard;
      return print(`${atLineStart ? "" : "\n"}${heard}`);
    }
    const fresh = heard.slice(printed.length);
    printed = heard;
    return print(fresh);
  }

  return async (event: AgentEvent) => {
    switch (event.kind) {
      case "turn_start":
        printed = "";
        heard = "";
        block = undefined;
        break;
      case "stream":
        if (event.type === "text_delta") return say(event.index, event.text);
        break;
      case "retry":
        heard = "";
        block = undefined;
        await err(`[retry ${event.attempt} in ${event.delay_ms} ms: ${event.error}]\n`);
        break;
      case "tool_start":
        await endLine();
        await err(`[tool: ${event.name} ${shorten(JSON.stringify(event.input))}]\n`);
        break;
      case "tool_end":
        if (event.is_error) await err(`[tool: ${event.name} failed: ${shorten(event.result)}]\n`);
        break;
      case "turn_end":
        usage = addUsage(usage, event.usage);
        await endLine();
        if (event.stop_reason === "max_tokens")
          await err("[the answer was cut off at the output token limit]\n");
        break;
      case "compacted":
        await err(`[compacted: ${event.tokens_before} to ${event.tokens_after} tokens]\n`);
        break;
      case "error":
        await endLine();
        await err(`error: ${event.message} (${event.code})\n`);
        break;
      case "agent_end":
        if (event.stop_reason === "refusal") await err("error: the model refused (refusal)\n");
        await err(
          `[done in ${event.steps} steps; ${wholeInput(usage)} in / ${usage.output_tokens} out tokens]\n`,
        );
        break;
    }
  };
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= maxInputChars ? line : `${line.slice(0, maxInputChars)}…`;
}
