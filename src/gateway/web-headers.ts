/** A `Headers` object of a flat list. */
import type { HeaderList } from "./ports.ts";

/** Header by header: workerd takes a list of pairs apart at a higher price. */
export function headersOf(list: HeaderList): Headers {
  const headers = new Headers();
  for (let i = 0; i < list.length; i += 2) headers.append(list[i]!, list[i + 1]!);
  return headers;
}
