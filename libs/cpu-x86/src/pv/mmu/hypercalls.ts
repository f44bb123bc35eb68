import {
  AbsentFrame,
  CONTINUE,
  type CommandRow,
  type GuestDomain,
  type HypercallArgs,
  type HypercallContext,
  type HypercallHandler,
  type HypercallResult,
  type HypercallSet,
} from '@paravane/core'
import {
  __HYPERVISOR_mmu_update,
  __HYPERVISOR_mmuext_op,
  __HYPERVISOR_set_gdt,
  __HYPERVISOR_update_descriptor,
  __HYPERVISOR_update_va_mapping,
  __HYPERVISOR_update_va_mapping_otherdomain,
  DOMID_IO,
  DOMID_SELF,
  DOMID_XEN,
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  FIRST_RESERVED_GDT_ENTRY,
  UVMF_FLUSHTYPE_MASK,
  UVMF_INVLPG,
  UVMF_TLB_FLUSH,
} from '@paravane/core/abi'
import { Batch } from './batch.ts'
import { flushTargets, flushTlb } from './flush.ts'
import { DESCRIPTORS_PER_FRAME, setGdt, updateDescriptor } from './gdt.ts'
import type { Mmu } from './mmu.ts'
import { MMU_UPDATE_COMMANDS, mmuUpdate } from './mmu-update.ts'
import { MMUEXT_OP_BYTES, mmuextCommands, mmuextOp } from './mmuext-op.ts'
import { ABSENT, RESTART } from './outcome.ts'
import { frameNumber } from './pte.ts'
import { updateVaMapping } from './update-va-mapping.ts'

/** Of a request (struct mmu_update). */
export const MMU_UPDATE_BYTES = 16

/** Index of the domain argument of mmu_update and mmuext_op. */
const FOREIGN = 3
/** Half of update_va_mapping's flags that says what to flush. */
const FLAGS = 4

/** What single operations answer, as dispatch wants it. */
function answer(mmu: Mmu, outcome: number): HypercallResult {
  if (outcome === RESTART) return CONTINUE
  if (outcome === ABSENT) throw new AbsentFrame(mmu.types.absentFrame)
  return outcome
}

/**
 * Whose frames are to be mapped. As in Xen a domain names itself by DOMID_SELF only; frames of devices, of Xen or of domain 0
 * are not for a domU.
 */
function ownerError(ctx: HypercallContext, domid: number): number {
  if (domid === DOMID_SELF) return 0
  if (domid === ctx.domain.domid) return -ESRCH
  const known = domid === DOMID_IO || domid === DOMID_XEN || ctx.services.domains.get(domid) !== undefined
  return known ? -EPERM : -ESRCH
}

/** High half of mmu_update's domain argument: domid + 1 of the owner of the tables, 0 for the caller. */
function tableOwnerError(ctx: HypercallContext, owner: number): number {
  if (owner === 0 || owner - 1 === ctx.domain.domid) return 0
  return ctx.services.domains.get(owner - 1) === undefined ? -ESRCH : -EPERM
}

function updateVaMappingCall(mmu: Mmu, ctx: HypercallContext, args: HypercallArgs): HypercallResult {
  const { halves } = args
  const flushType = halves[FLAGS] & UVMF_FLUSHTYPE_MASK
  const flushes = flushType === UVMF_TLB_FLUSH || flushType === UVMF_INVLPG
  // A bitmap is read before anything is done: its page may be absent.
  const targets = flushes ? flushTargets(mmu, ctx.guest, args.u64(2)) : 'local'
  if (targets === undefined) return -EFAULT
  mmu.types.startStretch()
  const [vaLo, vaHi] = [halves[0] | 0, halves[1] | 0]
  const outcome = updateVaMapping(mmu, ctx.vcpu, vaLo, vaHi, halves[2] | 0, halves[3] | 0)
  if (outcome !== 0) return answer(mmu, outcome)
  if (flushType === UVMF_TLB_FLUSH) flushTlb(mmu, ctx.vcpu, targets)
  else if (flushType === UVMF_INVLPG) mmu.hooks.flushPage(ctx.vcpu, targets, vaLo, vaHi)
  return 0
}

function setGdtCall(mmu: Mmu, ctx: HypercallContext, args: HypercallArgs): HypercallResult {
  const entries = args.u32(1)
  if (entries > FIRST_RESERVED_GDT_ENTRY) return -EINVAL
  const list = new Uint8Array(8 * Math.ceil(entries / DESCRIPTORS_PER_FRAME))
  if (list.length > 0 && !ctx.guest.read(args.u64(0), list)) return -EFAULT
  const words = new Int32Array(list.buffer)
  const frames = Array.from({ length: list.length / 8 }, (_, i) => frameNumber(words[2 * i], words[2 * i + 1]))
  mmu.types.startStretch()
  return answer(mmu, setGdt(mmu, ctx.vcpu, frames, entries))
}

function updateDescriptorCall(mmu: Mmu, _ctx: HypercallContext, { halves }: HypercallArgs): HypercallResult {
  mmu.types.startStretch()
  return answer(mmu, updateDescriptor(mmu, halves[0] | 0, halves[1] | 0, halves[2] | 0, halves[3] | 0))
}

type MmuHandler = (mmu: Mmu, ctx: HypercallContext, args: HypercallArgs) => HypercallResult

/**
 * The hypercalls of the PV MMU. One per thread: it holds the buffers that arguments are copied into.
 * @param mmuOf the thread's `Mmu` of a domain
 */
export function mmuHypercalls(mmuOf: (domain: GuestDomain) => Mmu): HypercallSet {
  const updates = new Batch(MMU_UPDATE_BYTES, (mmu, _ctx, words) =>
    mmuUpdate(mmu, words[0], words[1], words[2], words[3]),
  )
  const deviceUpdates = new Batch(MMU_UPDATE_BYTES, (mmu, _ctx, words) =>
    mmuUpdate(mmu, words[0], words[1], words[2], words[3], 'devices'),
  )
  const operations = new Batch(MMUEXT_OP_BYTES, mmuextOp)
  const rows: readonly (readonly [nr: number, name: string, handler: MmuHandler])[] = [
    [
      __HYPERVISOR_mmu_update,
      'mmu_update',
      (mmu, ctx, args) => {
        const foreign = args.u32(FOREIGN)
        const owner = foreign & 0xffff
        const error = tableOwnerError(ctx, foreign >>> 16)
        if (error !== 0) return error
        // Of what belongs to devices there is nothing to map, but plain words may be written under its name.
        if (owner === DOMID_IO) return deviceUpdates.run(mmu, ctx, args)
        return ownerError(ctx, owner) || updates.run(mmu, ctx, args)
      },
    ],
    [__HYPERVISOR_set_gdt, 'set_gdt', setGdtCall],
    [__HYPERVISOR_update_descriptor, 'update_descriptor', updateDescriptorCall],
    [__HYPERVISOR_update_va_mapping, 'update_va_mapping', updateVaMappingCall],
    [
      __HYPERVISOR_update_va_mapping_otherdomain,
      'update_va_mapping_otherdomain',
      (mmu, ctx, args) => ownerError(ctx, args.u32(FOREIGN) & 0xffff) || updateVaMappingCall(mmu, ctx, args),
    ],
    [
      __HYPERVISOR_mmuext_op,
      'mmuext_op',
      (mmu, ctx, args) => ownerError(ctx, args.u32(FOREIGN) & 0xffff) || operations.run(mmu, ctx, args),
    ],
  ]
  const commands: Readonly<Record<number, readonly CommandRow[]>> = {
    [__HYPERVISOR_mmu_update]: MMU_UPDATE_COMMANDS,
    [__HYPERVISOR_mmuext_op]: mmuextCommands,
  }
  const bind =
    (handler: MmuHandler): HypercallHandler =>
    (ctx, args) =>
      handler(mmuOf(ctx.domain), ctx, args)
  return {
    id: 'cpu-x86 PV MMU',
    rows: rows.map(([nr, name, handler]) => ({
      nr,
      name,
      callers: 'any',
      handler: bind(handler),
      commands: commands[nr],
    })),
  }
}
