/** Colour for people: none where the output is no terminal or NO_COLOR is set (no-color.org). */
import { styleText } from "node:util";

export function paint(style: "green" | "red" | "yellow" | "bold" | "dim", text: string): string {
  if (!process.stdout.isTTY || process.env.NO_COLOR) return text;
  return styleText(style, text, { validateStream: false });
}
