/** What of the domains is shown, and what each key changes of that (tools/xenstat/xentop/xentop.c of Xen 4.1, handle_key). */
import { COLUMNS } from './columns.ts'

export interface TopView {
  readonly delaySeconds: number
  readonly vcpus: boolean
  readonly networks: boolean
  readonly vbds: boolean
  readonly repeatHeader: boolean
  /** Of COLUMNS. */
  readonly sortBy: number
  /** The first domain that is shown. */
  readonly first: number
  /** What was typed of another delay, while that is asked for. */
  readonly asked?: string
  /** Why there is nothing newer. */
  readonly absent?: string
  /** Shown until the next key. */
  readonly note?: string
}

/** Seconds: what a delay may be. */
export const DELAY = { min: 0.1, max: 3600 } as const

/** Undefined if it is no delay. */
export function delayOf(text: string): number | undefined {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  return seconds >= DELAY.min && seconds <= DELAY.max ? seconds : undefined
}

/** A key as node:readline names it. @param domains how many there are */
export function press(view: TopView, key: string, domains: number): TopView | 'quit' {
  const { note: _, asked, ...plain } = view
  if (asked !== undefined) return ask(plain, asked, key)
  const change = KEYS[key.toLowerCase()]
  return change === undefined ? plain : change(plain, domains)
}

const KEYS: Readonly<Record<string, (view: TopView, domains: number) => TopView | 'quit'>> = {
  q: () => 'quit',
  escape: () => 'quit',
  d: (view) => ({ ...view, asked: '' }),
  n: (view) => ({ ...view, networks: !view.networks }),
  b: (view) => ({ ...view, vbds: !view.vbds }),
  t: (view) => ({ ...view, note: 'This hypervisor has no transcendent memory.' }),
  v: (view) => ({ ...view, vcpus: !view.vcpus }),
  r: (view) => ({ ...view, repeatHeader: !view.repeatHeader }),
  s: (view) => ({ ...view, sortBy: (view.sortBy + 1) % COLUMNS.length }),
  up: (view) => ({ ...view, first: Math.max(0, view.first - 1) }),
  down: (view, domains) => ({ ...view, first: Math.max(0, Math.min(domains - 1, view.first + 1)) }),
}

function ask(view: TopView, asked: string, key: string): TopView {
  if (key === 'escape') return view
  if (key === 'backspace') return { ...view, asked: asked.slice(0, -1) }
  if (key !== 'return' && key !== 'enter') return { ...view, asked: /^[\d.]$/.test(key) ? asked + key : asked }
  if (asked === '') return view
  const delaySeconds = delayOf(asked)
  if (delaySeconds !== undefined) return { ...view, delaySeconds }
  return { ...view, note: `${asked}: a delay is ${DELAY.min} to ${DELAY.max} seconds.` }
}
