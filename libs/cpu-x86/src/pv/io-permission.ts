import type { Decoded } from '../decode/decoded.ts'
import type { EmulationContext } from './emulation.ts'
import { inKernel } from './mode.ts'

/** Whether IOPL lets the current mode touch ports and IF. */
export const ioplAllows = ({ vcpu, iopl }: EmulationContext): boolean => iopl() >= (inKernel(vcpu) ? 1 : 3)

/**
 * Whether the guest's kernel lets the vCPU use these ports: by IOPL, or each by a clear bit in the bitmap of PHYSDEVOP_set_iobitmap. Two
 * bytes of it are looked at; those that cannot be read forbid (xen/arch/x86/pv/emul-priv-op.c guest_io_okay).
 * @throws AbsentFrame
 */
export function portsAllowed(c: EmulationContext, port: number, { size }: Decoded): boolean {
  if (ioplAllows(c)) return true
  const { address, ports } = c.ioBitmap()
  if (port + size > ports) return false
  const [low, high] = [0, 1].map((n) => {
    const byte = new Uint8Array(1)
    return c.memory.guest.read(address + BigInt((port >> 3) + n), byte) ? byte[0] : 0xff
  })
  return (((high << 8) | low) & (((1 << size) - 1) << (port & 7))) === 0
}
