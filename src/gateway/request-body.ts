/** A request's body on its way up: counted, read for its facts and, where the provider must be asked, edited to ask for usage. */
import {
  createRequestScanner,
  type RequestFacts,
  type RequestScanner,
  scanWhole,
} from "../scan/request-scanner.ts";
import { createUsageInjector, injectWhole, type UsageInjector } from "../scan/usage-injection.ts";
import type { Plan } from "./admission.ts";
import type { ErrorCode } from "./errors.ts";

export interface RequestBody {
  /** Received from the client so far. */
  readonly bytes: number;
  /** All of it went up. */
  readonly complete: boolean;
  /** It was read, and as JSON, so that `model` and `textBytes` say something. */
  readonly isRead: boolean;
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
  readonly #isScanned: boolean;
  readonly #mustAsk: boolean;
  /** Of a body that streams up. */
  #facts: RequestFacts | undefined;
  /** Of one that was read whole. */
  #model: string | undefined;
  #textBytes = 0;
  #isObject = false;
  /** Of a body that streams up: one of them, if it is scanned. */
  #scanner: RequestScanner | undefined;
  #injector: UsageInjector | undefined;
  /** Undefined for a body that streams up. */
  #askedWhole: boolean | undefined;
  bytes = 0;
  complete = false;
  replayable = true;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#isScanned = plan.managed !== undefined;
    this.#mustAsk = this.#isScanned && plan.method === "POST" && plan.route.asksForUsage;
  }

  get model(): string | undefined {
    return this.#facts ? modelOf(this.#facts) : this.#model;
  }

  get textBytes(): number {
    return this.#facts?.textBytes ?? this.#textBytes;
  }

  /** A form is none. What calls itself one and is JSON is read all the same: some providers' parsers do not ask. */
  get isRead(): boolean {
    if (!this.#isScanned) return false;
    return (this.#facts?.isObject ?? this.#isObject) || !isForm(this.#plan.contentType);
  }

  get asked(): boolean {
    return this.#askedWhole ?? this.#injector?.asked ?? false;
  }

  get upstreamLength(): number | undefined {
    this.#open();
    return this.#injector ? this.#injector.upstreamLength : this.#plan.declaredLength;
  }

  whole(body: Uint8Array): Uint8Array | ErrorCode {
    this.bytes = body.length;
    if (!this.#isScanned) return body;
    const facts = scanWhole(body);
    this.#model = modelOf(facts);
    this.#textBytes = facts.textBytes;
    this.#isObject = facts.isObject;
    const refused = refusalOf(facts);
    if (refused) return refused;
    if (!this.#mustAsk) return body;
    const asking = injectWhole(body, facts);
    this.#askedWhole = asking.asked;
    return asking.body;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] | ErrorCode {
    this.#open();
    this.replayable = false;
    this.bytes += chunk.length;
    const max = this.#plan.maxBodyBytes;
    if (max > 0 && this.bytes > max) return "body_too_large";
    if (!this.#injector) this.#scanner?.push(chunk);
    const up = this.#injector?.push(chunk) ?? [chunk];
    return (this.#facts && refusalOf(this.#facts)) ?? up;
  }

  end(): readonly Uint8Array[] | ErrorCode {
    this.#open();
    this.#scanner?.end();
    const up = this.#injector?.end() ?? [];
    return (this.#facts && refusalOf(this.#facts)) ?? up;
  }

  sent(): void {
    this.complete = true;
  }

  /** What reads a body that streams up. A whole one needs less, and most are whole. */
  #open(): void {
    if (!this.#isScanned || this.#facts) return;
    if (this.#mustAsk) {
      this.#injector = createUsageInjector({ declaredLength: this.#plan.declaredLength });
      this.#facts = this.#injector.facts;
    } else {
      this.#scanner = createRequestScanner();
      this.#facts = this.#scanner;
    }
  }
}

const isForm = (contentType: string): boolean => /^multipart\//i.test(contentType);

const modelOf = ({ model, modelUnusable }: RequestFacts): string | undefined =>
  modelUnusable ? "unknown" : model;

/** `background` counts once the root is closed, which is before the brace that closes it has gone up. */
function refusalOf(facts: RequestFacts): ErrorCode | undefined {
  if (facts.unreadable) return "unsupported_encoding";
  return facts.done && facts.background ? "not_metered" : undefined;
}
