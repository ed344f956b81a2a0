/** An ISO 8601 text as milliseconds since 1970. It reads no clock, so state functions may use it. */
export const instant = (text: string): number => Date.parse(text);
