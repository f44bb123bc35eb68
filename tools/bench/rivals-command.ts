import { type GuestShape, qemuArgs } from './machines.ts'
import type { Qemu } from './obtain-qemu.ts'

/** The whole command line, as a shell would take it. */
export function rivalsCommand({ program, leading }: Qemu, shape: GuestShape, extra = ' paravane.run=...'): string {
  return [program, ...leading, ...qemuArgs(shape, extra)]
    .map((word) => (/[^\w./,=+:-]/.test(word) ? `'${word}'` : word))
    .join(' ')
}
