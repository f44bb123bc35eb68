import type { Line } from '../dialogue.ts'

/**
 * Lines may end with ` (xenstored: REPLY)`, where Xen's own answers otherwise, with a `?` where that varies:
 * docs/features/xenstore.md has the reasons.
 */
export interface Talk {
  readonly name: string
  readonly lines: readonly Line[]
}

/** What a toolstack prepares for domain 1 and 2, before each dialogue. */
export const HOMES: readonly Line[] = [1, 2].flatMap((domid) => [
  `d0 introduce ${domid} 77 3 -> OK|`,
  `d0 mkdir /local/domain/${domid} -> OK|`,
  `d0 setPerms /local/domain/${domid} n0 r${domid} -> OK|`,
  `d0 mkdir /local/domain/${domid}/data -> OK|`,
  `d0 setPerms /local/domain/${domid}/data n${domid} -> OK|`,
])

const OTHERWISE = / \(xenstored: (.*)\)$/

/** What ours says. */
export function ours(line: Line): Line {
  return line.replace(OTHERWISE, '')
}

/** What Xen's own says. */
export function xens(line: Line): Line {
  const other = OTHERWISE.exec(line)?.[1]
  if (other === undefined) return line
  const mark = / (->|hears)/.exec(line)!
  return `${line.slice(0, mark.index + mark[0].length)} ${other}`.trimEnd()
}
