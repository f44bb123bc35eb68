/** Paravirtual network devices. */
export { formatMac, parseMac, randomMac } from './mac-address.ts'
