import { DEVICES } from './devices.ts'
import { FIRST_LIGHT } from './first-light.ts'
import type { AcceptList } from './point.ts'
import { SPEED } from './speed.ts'
import { SYSTEM } from './system.ts'
import { TRUST } from './trust.ts'

/** Every issue's list, oldest first. An issue is accepted when its own points and those of all before it pass. */
const ISSUES: readonly AcceptList[] = [FIRST_LIGHT, TRUST, SPEED, SYSTEM, DEVICES]

export const ISSUE_NAMES: readonly string[] = ISSUES.map(({ issue }) => issue)

/** The lists that `issue` has to pass, undefined if there is no such issue. */
export function listsUpTo(issue: string): readonly AcceptList[] | undefined {
  const last = ISSUE_NAMES.indexOf(issue)
  return last < 0 ? undefined : ISSUES.slice(0, last + 1)
}
