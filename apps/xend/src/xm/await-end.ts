/** What `xm shutdown -w` and `xm reboot -w` wait for, and say of it (tools/python/xen/xm/shutdown.py of 4.1). */
import type { ListedDomain } from '../daemon/listed-domain.ts'
import type { CommandContext } from './command.ts'

/** Classic xm asks xend once a second. */
const LOOK_MS = 1000
/** A domain that has ended and is to be there again has so many looks to come. */
const LOOKS_TO_COME = 30

export type EndOutcome = 'terminated' | 'rebooted' | 'destroyed for failing to reboot' | 'kept, and not rebooted'

/**
 * @param was as it was when it was asked to end
 * @param rows all there are now
 * @param looks so many have found it ended
 * @returns undefined while it is waited for
 */
export function endOutcome(
  was: ListedDomain,
  rows: readonly ListedDomain[],
  isReboot: boolean,
  looks: number,
): EndOutcome | undefined {
  if (runsOn(was, rows)) return undefined
  if (!isReboot) return 'terminated'
  const is = rows.find(({ uuid }) => uuid === was.uuid)
  if (is !== undefined && is.domid !== was.domid && !hasEnded(is)) return 'rebooted'
  if (looks < LOOKS_TO_COME) return undefined
  return is === undefined ? 'destroyed for failing to reboot' : 'kept, and not rebooted'
}

const runsOn = (was: ListedDomain, rows: readonly ListedDomain[]): boolean =>
  rows.some((is) => is.uuid === was.uuid && is.domid === was.domid && !hasEnded(is))

const hasEnded = ({ state }: ListedDomain): boolean => state === 'shutdown' || state === 'crashed'

/** Says of each what became of it when that is so; settles when nothing is left to wait for. */
export async function awaitEnds(
  domains: readonly ListedDomain[],
  isReboot: boolean,
  say: (domain: ListedDomain, outcome: EndOutcome) => void,
  { xend, wait }: CommandContext,
): Promise<void> {
  const looks = new Map(domains.map((domain) => [domain, 0]))
  while (looks.size > 0) {
    const rows = await xend.call<readonly ListedDomain[]>('domain.list')
    for (const [domain, before] of looks) {
      looks.set(domain, runsOn(domain, rows) ? 0 : before + 1)
      const outcome = endOutcome(domain, rows, isReboot, before)
      if (outcome === undefined) continue
      looks.delete(domain)
      say(domain, outcome)
    }
    if (looks.size > 0) await wait(LOOK_MS)
  }
}
