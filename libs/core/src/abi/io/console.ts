/** `xen/io/console.h`: the page of a PV console. */
import { type Struct, struct } from '../struct.ts'

const xenconsInterface = {
  in: ['u8', 1024],
  out: ['u8', 2048],
  in_cons: 'u32',
  in_prod: 'u32',
  out_cons: 'u32',
  out_prod: 'u32',
} as const
/**
 * Two byte rings: `in` to the guest, `out` from it. Indices run freely; take them modulo the ring's size. There is no
 * event threshold: each side notifies whenever it moved an index.
 */
export const xencons_interface: Struct<typeof xenconsInterface> = struct('xencons_interface', xenconsInterface)
