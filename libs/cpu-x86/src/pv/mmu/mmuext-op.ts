import type { CommandRow, HypercallContext } from '@paravane/core'
import {
  EACCES,
  EINVAL,
  ENOSYS,
  EOPNOTSUPP,
  MMUEXT_CLEAR_PAGE,
  MMUEXT_COPY_PAGE,
  MMUEXT_FLUSH_CACHE,
  MMUEXT_FLUSH_CACHE_GLOBAL,
  MMUEXT_INVLPG_ALL,
  MMUEXT_INVLPG_LOCAL,
  MMUEXT_INVLPG_MULTI,
  MMUEXT_MARK_SUPER,
  MMUEXT_NEW_BASEPTR,
  MMUEXT_NEW_USER_BASEPTR,
  MMUEXT_PIN_L1_TABLE,
  MMUEXT_PIN_L2_TABLE,
  MMUEXT_PIN_L3_TABLE,
  MMUEXT_PIN_L4_TABLE,
  MMUEXT_SET_LDT,
  MMUEXT_TLB_FLUSH_ALL,
  MMUEXT_TLB_FLUSH_LOCAL,
  MMUEXT_TLB_FLUSH_MULTI,
  MMUEXT_UNMARK_SUPER,
  MMUEXT_UNPIN_TABLE,
} from '@paravane/core/abi'
import type { RowOperation } from './batch.ts'
import { flushTlb, readVcpuMask } from './flush.ts'
import { clearPage, copyPage } from './frame-contents.ts'
import { setLdt } from './ldt.ts'
import type { Mmu } from './mmu.ts'
import type { FlushTargets } from './mmu-hooks.ts'
import { frameNumber } from './pte.ts'
import { newBaseptr, newUserBaseptr, pinTable, unpinTable } from './roots.ts'

/** Bytes of struct mmuext_op, and the words of its fields: u64s in halves, low half first. */
export const MMUEXT_OP_BYTES = 24
const CMD = 0
const ARG1 = 2
const ARG2 = 4

const MAX_LDT_ENTRIES = 8192

const frame1 = (words: Int32Array): number => frameNumber(words[ARG1], words[ARG1 + 1])
const frame2 = (words: Int32Array): number => frameNumber(words[ARG2], words[ARG2 + 1])

const pin =
  (level: number): RowOperation =>
  (mmu, _ctx, words) =>
    pinTable(mmu, level, frame1(words))

type Operation = readonly [cmd: number, name: string, perform: RowOperation, refused?: CommandRow['refused']]

function refuse(cmd: number, name: string, errno: number, because: string): Operation {
  return [cmd, name, () => -errno, { errno, because }]
}

/** arg2: pointer to a bitmap of vCPUs. */
function masked(mmu: Mmu, ctx: HypercallContext, words: Int32Array): Uint8Array | undefined {
  const va = (BigInt(words[ARG2 + 1] >>> 0) << 32n) | BigInt(words[ARG2] >>> 0)
  return readVcpuMask(mmu, ctx.guest, va)
}

function flush(mmu: Mmu, ctx: HypercallContext, targets: FlushTargets | undefined): number {
  if (targets === undefined) return -EINVAL
  flushTlb(mmu, ctx.vcpu, targets)
  return 0
}

function invlpg(mmu: Mmu, ctx: HypercallContext, words: Int32Array, targets: FlushTargets | undefined): number {
  if (targets === undefined) return -EINVAL
  mmu.hooks.flushPage(ctx.vcpu, targets, words[ARG1], words[ARG1 + 1])
  return 0
}

/** By the high half: canonical, and neither in the hypervisor's range (__addr_ok of xen/include/asm-x86/x86_64/uaccess.h). */
function isGuestAddress(high: number): boolean {
  return high >>> 15 === 0 || high >>> 0 >= 0xffff8800
}

/** The frames of an LDT are looked up and typed when a selector of it is first used, so nothing is checked but the size. */
function setLdtCall(mmu: Mmu, ctx: HypercallContext, words: Int32Array): number {
  const entries = words[ARG2] >>> 0
  if (entries === 0) words.fill(0, ARG1, ARG2)
  if ((words[ARG1] & 0xfff) !== 0 || entries > MAX_LDT_ENTRIES || !isGuestAddress(words[ARG1 + 1])) return -EINVAL
  return setLdt(mmu, ctx.vcpu, words[ARG1], words[ARG1 + 1], entries)
}

const OPERATIONS: readonly Operation[] = [
  [MMUEXT_PIN_L1_TABLE, 'PIN_L1_TABLE', pin(1)],
  [MMUEXT_PIN_L2_TABLE, 'PIN_L2_TABLE', pin(2)],
  [MMUEXT_PIN_L3_TABLE, 'PIN_L3_TABLE', pin(3)],
  [MMUEXT_PIN_L4_TABLE, 'PIN_L4_TABLE', pin(4)],
  [MMUEXT_UNPIN_TABLE, 'UNPIN_TABLE', (mmu, _ctx, words) => unpinTable(mmu, frame1(words))],
  [MMUEXT_NEW_BASEPTR, 'NEW_BASEPTR', (mmu, ctx, words) => newBaseptr(mmu, ctx.vcpu, frame1(words))],
  [MMUEXT_TLB_FLUSH_LOCAL, 'TLB_FLUSH_LOCAL', (mmu, ctx) => flush(mmu, ctx, 'local')],
  [MMUEXT_INVLPG_LOCAL, 'INVLPG_LOCAL', (mmu, ctx, words) => invlpg(mmu, ctx, words, 'local')],
  [MMUEXT_TLB_FLUSH_MULTI, 'TLB_FLUSH_MULTI', (mmu, ctx, words) => flush(mmu, ctx, masked(mmu, ctx, words))],
  [MMUEXT_INVLPG_MULTI, 'INVLPG_MULTI', (mmu, ctx, words) => invlpg(mmu, ctx, words, masked(mmu, ctx, words))],
  [MMUEXT_TLB_FLUSH_ALL, 'TLB_FLUSH_ALL', (mmu, ctx) => flush(mmu, ctx, 'all')],
  [MMUEXT_INVLPG_ALL, 'INVLPG_ALL', (mmu, ctx, words) => invlpg(mmu, ctx, words, 'all')],
  refuse(MMUEXT_FLUSH_CACHE, 'FLUSH_CACHE', EACCES, 'for domains with devices'),
  refuse(MMUEXT_FLUSH_CACHE_GLOBAL, 'FLUSH_CACHE_GLOBAL', EINVAL, 'for domains with devices'),
  [MMUEXT_SET_LDT, 'SET_LDT', setLdtCall],
  [MMUEXT_NEW_USER_BASEPTR, 'NEW_USER_BASEPTR', (mmu, ctx, words) => newUserBaseptr(mmu, ctx.vcpu, frame1(words))],
  [MMUEXT_CLEAR_PAGE, 'CLEAR_PAGE', (mmu, _ctx, words) => clearPage(mmu, frame1(words))],
  [MMUEXT_COPY_PAGE, 'COPY_PAGE', (mmu, _ctx, words) => copyPage(mmu, frame1(words), frame2(words))],
  refuse(MMUEXT_MARK_SUPER, 'MARK_SUPER', EOPNOTSUPP, 'there are no superpages for a domU'),
  refuse(MMUEXT_UNMARK_SUPER, 'UNMARK_SUPER', EOPNOTSUPP, 'there are no superpages for a domU'),
]

const byCommand: (RowOperation | undefined)[] = []
for (const [cmd, , perform] of OPERATIONS) byCommand[cmd] = perform

/** The operations, for the coverage page. */
export const mmuextCommands: readonly CommandRow[] = OPERATIONS.map(([cmd, name, , refused]) => ({
  cmd,
  name,
  refused,
}))

/** One operation of HYPERVISOR_mmuext_op. */
export function mmuextOp(mmu: Mmu, ctx: HypercallContext, words: Int32Array): number {
  const perform = byCommand[words[CMD] >>> 0]
  return perform === undefined ? -ENOSYS : perform(mmu, ctx, words)
}
