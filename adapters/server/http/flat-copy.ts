/**
 * A copy of Latin-1 text in memory of its own. Engines make a slice as a view of the text that it was cut from, which lives as
 * long as the slice does.
 */
export const flatCopy = (text: string): string => Buffer.from(text, "latin1").toString("latin1");
