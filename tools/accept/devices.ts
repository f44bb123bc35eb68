import { kills, powerCuts } from './devices/power-cuts.ts'
import { verifiedDisks } from './devices/verified-disks.ts'
import type { AcceptList, How, Outcome } from './point.ts'

/** Disks and networks: a Debian that lives on a disk and talks to the world. */
export const DEVICES: AcceptList = {
  issue: 'devices',
  points: [{ number: 2, title: 'data', measure: data }],
}

async function data(how: How): Promise<Outcome> {
  const parts = [await verifiedDisks(how), await powerCuts(how), await kills(how)]
  return {
    pass: parts.every(({ pass }) => pass),
    value: parts.map(({ value }) => value).join('; '),
    faults: parts.flatMap(({ faults = [] }) => faults),
  }
}
