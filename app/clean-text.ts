// Text that people write, made harmless: for titles and descriptions, wherever they come in.

// Control and formatting characters, halves of pairs (and NUL, which Postgres refuses in text): they make a
// title say on a page what it does not say, or two that look alike differ. Line feeds are kept where lines are
// allowed, and so are the joiners and tags that scripts and emoji are written with.
const KEPT = '\u200c\u200d\u{e0020}-\u{e007f}'
const INVISIBLE = new RegExp(`[[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]--[${KEPT}]]`, 'gv')
const INVISIBLE_IN_LINES = new RegExp(`[[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]--[${KEPT}\n]]`, 'gv')
// Some letters, and the blank of Braille, are drawn as nothing.
const VISIBLE = /[[^\p{C}\p{Z}\p{M}]--[\p{Default_Ignorable_Code_Point}\u2800]]/v

/** One line, single spaces; '' where nothing could be seen of it. */
export function cleanLine(text: string): string {
  const line = text.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
  return VISIBLE.test(line) ? line : ''
}

/** Several lines. */
export function cleanLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(INVISIBLE_IN_LINES, ' ').trim()
}
