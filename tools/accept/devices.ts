import { verifiedDisks } from './devices/verified-disks.ts'
import type { AcceptList } from './point.ts'

/** Disks and networks: a Debian that lives on a disk and talks to the world. */
export const DEVICES: AcceptList = {
  issue: 'devices',
  points: [{ number: 2, title: 'data', measure: verifiedDisks }],
}
