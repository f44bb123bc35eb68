/** The daemon's library face: guests to begin with. */
export type { Progress } from './guest-image/apt.ts'
export {
  type DebianFlavour,
  type DebianGuest,
  type DebianGuestOptions,
  obtainDebianGuest,
} from './guest-image/debian-guest.ts'
