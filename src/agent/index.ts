/** Public entry of `beyond-ai/agent`: the agent's core, for any runtime. */
export { type Agent, type AgentOptions, createAgent, type RunOptions, type Unsaid } from "./agent.ts";
export type { DialectName } from "./dialects/dialect.ts";
export { ModelError, type ModelErrorOptions } from "./errors.ts";
export type { RunResult } from "./loop.ts";
export { type Route, routeModel } from "./route.ts";
export {
  createSession,
  entriesUpTo,
  memoryStore,
  type NewSession,
  newHeader,
  openSession,
  type Session,
  type SessionStore,
} from "./session.ts";
export {
  formatLine,
  parseSession,
  type SessionEntry,
  SessionError,
  type SessionFile,
  type SessionHeader,
} from "./session-entries.ts";
export type { SessionState } from "./session-state.ts";
export type { ToolHooks } from "./tool-call.ts";
export { lastAssistantText, textOf, wellFormed } from "./transcript.ts";
export {
  createGatewayTransport,
  type FetchPort,
  type FetchResponse,
  type GatewayTransportOptions,
} from "./transport.ts";
export type * from "./types.ts";
export { addUsage, noUsage, wholeInput } from "./usage.ts";
