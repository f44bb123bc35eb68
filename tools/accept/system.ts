import { manyClients } from './clients.ts'
import { killedXend } from './killed-xend.ts'
import type { AcceptList } from './point.ts'
import { shares } from './shares.ts'
import { stranger } from './stranger.ts'
import { userErrors } from './user-errors.ts'
import { xenstoreSpeed } from './xenstore-speed.ts'

/** A system: xend, xm, xenstore and the library. */
export const SYSTEM: AcceptList = {
  issue: 'system',
  points: [
    { number: 1, title: "a stranger's path", measure: stranger },
    { number: 2, title: 'xend killed and started again', measure: killedXend },
    { number: 3, title: '200 clients at once on each socket', measure: manyClients },
    { number: 4, title: "operations of xenstore beside the C xenstored's", measure: xenstoreSpeed },
    { number: 5, title: 'shares by weight and cap', measure: shares },
    { number: 6, title: 'errors of users', measure: userErrors },
  ],
}
