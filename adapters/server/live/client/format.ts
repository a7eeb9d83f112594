/** Numbers as a person reads them at a glance. */

/** Three figures: `0.42`, `17.3`, `1.2k`, `3.4M`. */
export function formatNumber(value: number): string {
  if (value >= 999_500) return `${trimmed(value / 1_000_000)}M`;
  if (value >= 999.5) return `${trimmed(value / 1000)}k`;
  return trimmed(value);
}

export function trimmed(value: number): string {
  if (value === 0) return "0";
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export function formatMs(ms: number): string {
  if (ms < 999.5) return `${ms < 9.95 ? trimmed(ms) : Math.round(ms)} ms`;
  if (ms < 99_950) return `${trimmed(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1000)} s`;
}

/** `1h 5m`. */
export function formatUptime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days}d ${hours}h`;
  return hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes}m`;
}
