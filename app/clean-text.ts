// Text that people write, made harmless: for titles and descriptions, wherever they come in.

// Control and bidirectional formatting characters (and NUL, which Postgres refuses in text): they
// make a title say on a page what it does not say. Line feeds are kept where lines are allowed.
const INVISIBLE = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const INVISIBLE_IN_LINES = /(?!\n)[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** One line, single spaces. */
export function cleanLine(text: string): string {
  return text.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
}

/** Several lines. */
export function cleanLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(INVISIBLE_IN_LINES, ' ').trim()
}
