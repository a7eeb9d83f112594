/** Server-sent events over fetch: unlike EventSource it can send the token, and it tells a 401 from a broken line. */

/** Reads until the line breaks. Settles with the status that came instead of events, or 0 for a line that broke. */
export async function readEvents(
  token: string | undefined,
  onEvent: (name: string, data: string) => void,
): Promise<number> {
  try {
    const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch("live/events", { headers, cache: "no-store" });
    if (!response.ok || !response.body) return response.status;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 0;
      const events = (text + value).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const [name = "", data = ""] = event.split("\n");
        onEvent(name.slice("event: ".length), data.slice("data: ".length));
      }
    }
  } catch {
    return 0;
  }
}
