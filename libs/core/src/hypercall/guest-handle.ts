import type { Embedded } from '../abi/struct.ts'
import { sizeof } from '../abi/struct.ts'

/**
 * A frame must be fetched before the access can be done. Not a failure: dispatch puts the vCPU back on the instruction,
 * and the hypercall starts again when the frame is there. So a handler has no effect before its last access that can
 * throw, or records its progress in its arguments first.
 */
export class AbsentFrame extends Error {
  override readonly name: string = 'AbsentFrame'
  readonly gmfn: number

  constructor(gmfn: number) {
    super(`frame ${gmfn} is absent`)
    this.gmfn = gmfn
  }
}

/**
 * Guest memory by virtual address, through the vCPU's *kernel* root. A copy that meets an address the guest could not
 * use so itself (hypervisor range included) answers false, perhaps after part of it was done.
 *
 * What was read (or written) once in a hypercall can be read (or written) again in the same one without AbsentFrame.
 * @throws AbsentFrame
 */
export interface GuestAccess {
  read(va: bigint, into: Uint8Array): boolean
  write(va: bigint, from: Uint8Array): boolean
}

const LOWER_HALF_END = 1n << 47n
const XEN_END = 0xffff_8800_0000_0000n

/** What Xen's guest_handle_okay says of an address: neither its own range nor what lies below in the upper half. */
export function handleOkay(va: bigint): boolean {
  return va < LOWER_HALF_END || va >= XEN_END
}

/** A private copy of a guest's structure: read once, then checked, then used. */
export class GuestCopy {
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
  }

  static of(struct: Embedded): GuestCopy {
    return new GuestCopy(sizeof(struct))
  }

  /** False for -EFAULT. */
  copyFrom(guest: GuestAccess, va: bigint): boolean {
    return guest.read(va, this.bytes)
  }

  copyTo(guest: GuestAccess, va: bigint): boolean {
    return guest.write(va, this.bytes)
  }
}

/**
 * Makes sure that an answer can be written where the arguments were just read: writes them back as they were. After it
 * the copy-out can neither fail nor find its page absent, so effects between the two are safe. False for -EFAULT.
 */
export function probeWrite(guest: GuestAccess, va: bigint, copy: GuestCopy): boolean {
  return guest.write(va, copy.bytes)
}
