const LONGEST = 80
const CONTROL = /[\x7f-\x9f]/g

/** A text of a user's, for a message of one line: what would tell a terminal what to do is spelt out, and what is long is cut. */
export function quoted(text: string): string {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text
  return JSON.stringify(shown).replace(CONTROL, (one) => `\\u00${one.charCodeAt(0).toString(16)}`)
}
