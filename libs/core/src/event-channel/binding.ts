import { bugOn } from '../errors.ts'

/**
 * What a port is bound to, in one word, so that sending needs no lock: bits 0 to 2 the state, 3 to 18 a domid, 19 to 31 a
 * port of that domain (or a VIRQ).
 */
export type Binding = number

export const ECS_FREE = 0
/** Taken, but nothing comes of it: not to be bound or sent on. */
export const ECS_RESERVED = 1
/** Waits for `domid` to bind it. */
export const ECS_UNBOUND = 2
/** Joined with port `peer` of `domid`. */
export const ECS_INTERDOMAIN = 3
/** `peer` is the VIRQ. */
export const ECS_VIRQ = 4
export const ECS_IPI = 5

export function packBinding(state: number, domid = 0, peer = 0): Binding {
  bugOn(!(domid >= 0 && domid < 0x1_0000) || !(peer >= 0 && peer < 0x2000), 'binding out of range')
  return state | (domid << 3) | (peer << 19)
}

export function bindingState(binding: Binding): number {
  return binding & 7
}

export function bindingDomid(binding: Binding): number {
  return (binding >> 3) & 0xffff
}

export function bindingPeer(binding: Binding): number {
  return binding >>> 19
}
