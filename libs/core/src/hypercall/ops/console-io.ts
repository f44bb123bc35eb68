import { EFAULT, EINVAL, EPERM } from '../../abi/errno.ts'
import { __HYPERVISOR_console_io, CONSOLEIO_read, CONSOLEIO_write } from '../../abi/xen.ts'
import { CONTINUE } from '../continuation.ts'
import type { HypercallArgs } from '../hypercall-args.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import type { CommandRow, HypercallResult, HypercallRow } from '../table.ts'

/** Bytes logged at a time, and before the vCPU can be interrupted. */
const PIECE = 1024
const PIECES_PER_STRETCH = 16
const MAX_COUNT = 0x7fff_ffff

const commands: readonly CommandRow[] = [
  { cmd: CONSOLEIO_write, name: 'write' },
  {
    cmd: CONSOLEIO_read,
    name: 'read',
    refused: { errno: EPERM, because: "the hypervisor's console is the operator's" },
  },
]

/** console_io(cmd, count, buffer*): what a guest writes goes to the hypervisor's log, as in a debug build of Xen. */
function consoleIo(ctx: HypercallContext, args: HypercallArgs): HypercallResult {
  if (args.u32(0) !== CONSOLEIO_write) return -EPERM
  return args.u32(1) > MAX_COUNT ? -EINVAL : write(ctx, args)
}

function write({ domain, guest, services }: HypercallContext, args: HypercallArgs): HypercallResult {
  for (let pieces = 0; args.u32(1) > 0; pieces++) {
    if (pieces === PIECES_PER_STRETCH) return CONTINUE
    const text = new Uint8Array(Math.min(args.u32(1), PIECE))
    if (!guest.read(args.u64(2), text)) return -EFAULT
    services.guestLog(domain.domid, text)
    args.set(1, args.u32(1) - text.length)
    args.set(2, args.u64(2) + BigInt(text.length))
  }
  return 0
}

export const consoleIoOp: HypercallRow = {
  nr: __HYPERVISOR_console_io,
  name: 'console_io',
  callers: 'any',
  commands,
  handler: consoleIo,
}
