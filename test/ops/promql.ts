/** Enough of PromQL to tell what an expression reads: its metrics with their label matchers, and the labels it groups by. */

export interface Reads {
  readonly selectors: readonly { readonly metric: string; readonly labels: readonly string[] }[];
  readonly grouping: readonly string[];
}

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const KEYWORDS = new Set(["and", "or", "unless", "offset", "bool"]);

export function readsOf(expression: string): Reads {
  const grouping: string[] = [];
  const rest = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(GROUPING, (_, names: string) => {
      grouping.push(
        ...names
          .split(",")
          .map((name) => name.trim())
          .filter(Boolean),
      );
      return "";
    })
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\boffset\s+\w+/g, "");
  // An identifier with a parenthesis is a function or an aggregation; all others are metrics.
  const selectors = [...rest.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{([^}]*)\}|(\()?)/g)]
    .filter(([, name = "", , , call]) => call === undefined && !KEYWORDS.has(name))
    .map(([, metric = "", , matchers = ""]) => ({
      metric,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map((match) => match[1]!),
    }));
  return { selectors, grouping };
}
