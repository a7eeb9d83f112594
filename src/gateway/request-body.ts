/** A request's body on its way up: counted, read for its facts and, where the provider must be asked, edited to ask for usage. */
import { createRequestScanner, type RequestFacts } from "../scan/request-scanner.ts";
import { createUsageInjector, injectWhole } from "../scan/usage-injection.ts";
import type { Plan } from "./admission.ts";
import type { ErrorCode } from "./errors.ts";

/** Paths whose streams report usage only when asked (gateway.md §6). */
const ASKED_SUFFIXES = ["/chat/completions", "/completions"];

export interface RequestBody {
  /** Received from the client so far. */
  readonly bytes: number;
  /** All of it went up. */
  readonly complete: boolean;
  /** Read as JSON, so that `model` and `textBytes` say something. */
  readonly scanned: boolean;
  /** `unknown` for a model that is no name. */
  readonly model: string | undefined;
  /** UTF-8 bytes of its string values. */
  readonly textBytes: number;
  /** We asked for usage and the client did not: the answer to our question is hidden from it. */
  readonly asked: boolean;
  /** It was read whole (or there is none), so it can be sent again. */
  readonly replayable: boolean;
  /** `content-length` of a streamed body as it goes up; undefined when undeclared. */
  readonly upstreamLength: number | undefined;
  /** The body in one piece; gives what goes up, or why it does not. */
  whole(body: Uint8Array): Uint8Array | ErrorCode;
  /** One chunk of a streamed body; gives what goes up of it. */
  push(chunk: Uint8Array): readonly Uint8Array[] | ErrorCode;
  /** The client has sent it all; gives the rest. */
  end(): readonly Uint8Array[] | ErrorCode;
  /** The transport has sent it all. */
  sent(): void;
}

export function createRequestBody(plan: Plan): RequestBody {
  return new PlannedBody(plan);
}

class PlannedBody implements RequestBody {
  readonly #plan: Plan;
  readonly #scanner: ReturnType<typeof createRequestScanner> | undefined;
  readonly #injector: ReturnType<typeof createUsageInjector> | undefined;
  #facts: RequestFacts | undefined;
  /** Undefined for a body that streams up. */
  #askedWhole: boolean | undefined;
  bytes = 0;
  complete = false;
  replayable = true;

  constructor(plan: Plan) {
    this.#plan = plan;
    const scans = plan.managed !== undefined && !plan.contentType.toLowerCase().startsWith("multipart/");
    if (!scans) return;
    if (mustAsk(plan)) this.#injector = createUsageInjector({ declaredLength: plan.declaredLength });
    else this.#scanner = createRequestScanner();
    this.#facts = this.#injector?.facts ?? this.#scanner;
  }

  get scanned(): boolean {
    return this.#facts !== undefined;
  }

  get model(): string | undefined {
    return this.#facts?.modelUnusable ? "unknown" : this.#facts?.model;
  }

  get textBytes(): number {
    return this.#facts?.textBytes ?? 0;
  }

  get asked(): boolean {
    return this.#askedWhole ?? this.#injector?.asked ?? false;
  }

  get upstreamLength(): number | undefined {
    return this.#injector ? this.#injector.upstreamLength : this.#plan.declaredLength;
  }

  whole(body: Uint8Array): Uint8Array | ErrorCode {
    this.bytes = body.length;
    if (!this.#facts) return body;
    const scanner = createRequestScanner();
    scanner.push(body);
    scanner.end();
    this.#facts = scanner;
    const refused = refusalOf(scanner);
    if (refused) return refused;
    if (!this.#injector) return body;
    const asking = injectWhole(body, scanner);
    this.#askedWhole = asking.asked;
    return asking.body;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] | ErrorCode {
    this.replayable = false;
    this.bytes += chunk.length;
    const max = this.#plan.maxBodyBytes;
    if (max > 0 && this.bytes > max) return "body_too_large";
    if (!this.#injector) this.#scanner?.push(chunk);
    const up = this.#injector?.push(chunk) ?? [chunk];
    return (this.#facts && refusalOf(this.#facts)) ?? up;
  }

  end(): readonly Uint8Array[] | ErrorCode {
    this.#scanner?.end();
    const up = this.#injector?.end() ?? [];
    return (this.#facts && refusalOf(this.#facts)) ?? up;
  }

  sent(): void {
    this.complete = true;
  }
}

const mustAsk = ({ provider, method, path }: Plan): boolean =>
  provider.askForUsage && method === "POST" && ASKED_SUFFIXES.some((suffix) => path.endsWith(suffix));

/** `background` counts once the root is closed, which is before the brace that closes it has gone up. */
function refusalOf(facts: RequestFacts): ErrorCode | undefined {
  if (facts.unreadable) return "unsupported_encoding";
  return facts.done && facts.background ? "not_metered" : undefined;
}
