/** Server-sent events, one event a pull, so that a slow reader slows the source. */

/** An answer in pieces. `event` is the SSE field of that name; `data` is sent as JSON, a string as it stands. */
export interface SseEvent {
  readonly event?: string;
  readonly data: unknown;
}

/** Encodes each event when the reader asks for it. */
export function sseResponse(events: Iterable<SseEvent>, headers: Record<string, string>): Response {
  const iterator = events[Symbol.iterator]();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const next = iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(encoder.encode(formatEvent(next.value)));
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8", ...headers } });
}

function formatEvent({ event, data }: SseEvent): string {
  const line = `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
  return event === undefined ? line : `event: ${event}\n${line}`;
}
