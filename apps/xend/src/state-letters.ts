/** Of the six places `rbpscd` that of a state. */
const PLACES: Readonly<Record<string, number>> = {
  running: 0,
  blocked: 1,
  paused: 2,
  shutdown: 3,
  suspended: 3,
  crashed: 4,
  dying: 5,
}

/** As classic tools show a domain's state; undefined for one that does not run. */
export function stateLetters(state: string): string | undefined {
  const at = PLACES[state]
  return at === undefined ? undefined : [...'rbpscd'].map((letter, n) => (n === at ? letter : '-')).join('')
}
