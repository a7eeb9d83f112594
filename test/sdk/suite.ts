/** The vendors' real packages as clients of a gateway by URL: one suite for every runtime. */
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { startLab } from "../conformance/start-lab.ts";
import { embedded } from "../support/answers.ts";
import type { StartGateway } from "../support/gateway-process.ts";
import { anthropicTests } from "./anthropic.ts";
import { errorTests } from "./errors.ts";
import { openaiTests } from "./openai.ts";
import { otherSdkTests } from "./others.ts";

/** A runtime under test. */
export interface SdkSuiteOptions {
  readonly name: string;
  readonly start: StartGateway;
}

/** Defines the SDK tests for one runtime. */
export function defineSdkTests({ name, start }: SdkSuiteOptions): void {
  describe(`stock SDKs through the gateway on ${name}`, () => {
    let lab: Awaited<ReturnType<typeof startLab>>;

    beforeAll(async () => {
      lab = await startLab(start, embedded());
    });
    beforeEach(() => lab.standIn.reset());
    afterAll(() => lab?.stop());

    describe("openai", () => openaiTests(() => lab));
    describe("@anthropic-ai/sdk", () => anthropicTests(() => lab));
    describe("other packages", () => otherSdkTests(() => lab));
    describe("exceptions", () => errorTests(() => lab));
  });
}
