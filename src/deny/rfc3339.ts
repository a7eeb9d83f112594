/** RFC 3339 timestamps, the same on every runtime: `Date.parse` takes more than the RFC does, and differs. */

const PATTERN = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Epoch seconds, with the fraction; undefined for anything that is no RFC 3339 date-time (section 5.6). */
export function parseRfc3339(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const field = (group: number): number => Number(match[group] ?? 0);
  const [year, month, day] = [field(1), field(2), field(3)];
  const [hour, minute, second] = [field(4), field(5), field(6)];
  const [offsetHour, offsetMinute] = [field(9), field(10)];
  // Second 60 is a leap second; it is counted as the first of the next minute, as epoch time does.
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = (offsetHour * 3600 + offsetMinute * 60) * (match[8] === "-" ? -1 : 1);
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second + field(7) - offset;
}
