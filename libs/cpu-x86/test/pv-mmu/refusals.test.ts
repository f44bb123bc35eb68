import {
  DOMID_IO,
  DOMID_XEN,
  EACCES,
  EBUSY,
  EFAULT,
  EINVAL,
  ENOSYS,
  EOPNOTSUPP,
  EPERM,
  ESRCH,
  MMU_MACHPHYS_UPDATE,
  MMU_PT_UPDATE_PRESERVE_AD,
  MMUEXT_CLEAR_PAGE,
  MMUEXT_COPY_PAGE,
  MMUEXT_FLUSH_CACHE,
  MMUEXT_FLUSH_CACHE_GLOBAL,
  MMUEXT_INVLPG_MULTI,
  MMUEXT_MARK_SUPER,
  MMUEXT_NEW_BASEPTR,
  MMUEXT_NEW_USER_BASEPTR,
  MMUEXT_PIN_L1_TABLE,
  MMUEXT_PIN_L2_TABLE,
  MMUEXT_PIN_L3_TABLE,
  MMUEXT_PIN_L4_TABLE,
  MMUEXT_SET_LDT,
  MMUEXT_TLB_FLUSH_MULTI,
  MMUEXT_UNMARK_SUPER,
  MMUEXT_UNPIN_TABLE,
  UVMF_INVLPG,
} from '@paravane/core/abi'
import { expect, it } from 'vitest'
import { addXenFrame } from '../../src/pv/mmu/domain-frames.ts'
import { P, RW, SmallDomain } from './small-domain.ts'

// A running domain: L4 in frame 1, L3 in 2, L2 in 3, L1 in 4, which maps address 0 to frame 10 writable, 0x1000 to the L1 table
// read-only and 0x2000 to frame 11 read-only. Frame 20 is an empty, pinned L1 table, 30 Xen's, 60 and above nobody's.
function runningDomain(): SmallDomain {
  const domain = SmallDomain.populated(60, undefined, 64)
  domain.buildTree(1, [
    [10, P | RW],
    [4, P],
    [11, P],
  ])
  addXenFrame(domain.mmu, 60)
  expect(domain.mmuext(MMUEXT_PIN_L4_TABLE, 1)).toBe(0)
  expect(domain.mmuext(MMUEXT_NEW_BASEPTR, 1)).toBe(0)
  expect(domain.mmuext(MMUEXT_PIN_L1_TABLE, 20)).toBe(0)
  return domain
}

const XEN_FRAME = 60
const L4 = 1 * 4096
const L3 = 2 * 4096
const L2 = 3 * 4096
const L1 = 4 * 4096
const NX = 1n << 63n
const frame = (gmfn: number, flags: number) => (gmfn << 12) | flags

type Attempt = (domain: SmallDomain) => number
const update =
  (ptr: number, val: number | bigint): Attempt =>
  (domain) =>
    domain.mmuUpdate([[ptr, val]])
const op =
  (cmd: number, arg1?: number | bigint, arg2?: number | bigint): Attempt =>
  (domain) =>
    domain.mmuext(cmd, arg1, arg2)
const map =
  (va: bigint, pte: number | bigint, flags?: number | bigint): Attempt =>
  (domain) =>
    domain.mapVa(va, pte, flags)
const call =
  (nr: number, ...args: (number | bigint)[]): Attempt =>
  (domain) =>
    Number(domain.call(nr, args))

it.each<readonly [what: string, attempt: Attempt, errno: number]>([
  ['a writable mapping of an L1 table', update(L1 + 24, frame(20, P | RW)), EBUSY],
  ['a writable mapping of the L1 table itself', update(L1 + 24, frame(4, P | RW)), EBUSY],
  ['its read-only mapping made writable', update(L1 + 8, frame(4, P | RW)), EBUSY],
  ['a writable mapping of the root', map(0x3000n, frame(1, P | RW)), EBUSY],
  ['a frame that is nobody’s', update(L1 + 24, frame(61, P)), EBUSY],
  ['frame 0, which is a hole', update(L1 + 24, frame(0, P)), EPERM],
  ['a frame past every domain', update(L1 + 24, frame(0xfffff, P)), EPERM],
  ['a frame past 4 GiB', update(L1 + 24, (1n << 32n) | BigInt(frame(10, P))), EPERM],
  ['the same frame moved past 4 GiB', update(L1, (1n << 32n) | BigInt(frame(10, P | RW))), EPERM],
  ['PWT', update(L1 + 24, frame(11, P | 0x8)), EINVAL],
  ['PCD', update(L1 + 24, frame(11, P | 0x10)), EINVAL],
  ['PAT', update(L1 + 24, frame(11, P | 0x80)), EINVAL],
  ['PCD added to a mapping', update(L1, frame(10, P | RW | 0x10)), EINVAL],
  ['a superpage', update(L2 + 8, frame(0, P | RW | 0x80)), EINVAL],
  ['PSE added to an L2 entry', update(L2, frame(4, P | RW | 0x80)), EINVAL],
  ['PCD in an L3 entry', update(L3 + 8, frame(3, P | 0x10)), EINVAL],
  ['G in an L2 entry', update(L2, frame(4, P | RW | 0x100)), EINVAL],
  ['an L2 entry to a writable page', update(L2 + 8, frame(10, P)), EINVAL],
  ['a writable L2 entry to its own table', update(L2 + 8, frame(3, P | RW)), EINVAL],
  ['an L3 entry to an L1 table', update(L3 + 8, frame(20, P)), EINVAL],
  ['a writable L4 entry to the root itself', update(L4 + 8, frame(1, P | RW)), EINVAL],
  ['an L4 slot of the hypervisor', update(L4 + 256 * 8, frame(2, P)), EINVAL],
  ['clearing an L4 slot of the hypervisor', update(L4 + 271 * 8, 0), EINVAL],
  ['an update of a frame that is nobody’s', update(61 * 4096, 0), EINVAL],
  ['a misaligned update', update(L1 + 4, 0), ENOSYS],
  ['an M2P entry of a frame that is nobody’s', update((61 << 12) | MMU_MACHPHYS_UPDATE, 5), EINVAL],
  ['mapping frames of a device', (d) => d.mmuUpdate([[L1 + 24, frame(10, P)]], DOMID_IO), EPERM],
  ['mapping frames of another domain', (d) => d.mmuUpdate([[L1 + 24, 0]], 0), EPERM],
  ['mapping frames of the hypervisor', (d) => d.mmuUpdate([[L1 + 24, 0]], DOMID_XEN), EPERM],
  ['mapping frames of nobody', (d) => d.mmuUpdate([[L1 + 24, 0]], 2), ESRCH],
  ['naming itself by its number', (d) => d.mmuUpdate([[L1 + 24, 0]], 1), ESRCH],
  ['tables of another domain', (d) => d.mmuUpdate([[L1 + 24, 0]], 0x7ff0 | (1 << 16)), EPERM],
  ['tables of nobody', (d) => d.mmuUpdate([[L1 + 24, 0]], 0x7ff0 | (3 << 16)), ESRCH],
  ['requests at an unreadable address', call(1, 0x10_0000, 1, 0, 0x7ff0), EFAULT],
  ['an address no L1 table maps', map(0x20_0000n, frame(10, P)), EINVAL],
  ['an address that is not canonical', map(1n << 47n, 0), EINVAL],
  ['an address of the hypervisor', map(0xffff_8000_0000_0000n, 0), EINVAL],
  ['a bitmap at an unreadable address', map(0x2000n, frame(11, P), 0x20_0000n | BigInt(UVMF_INVLPG)), EFAULT],
  ['pinning a writable page', op(MMUEXT_PIN_L1_TABLE, 10), EINVAL],
  ['pinning at another level', op(MMUEXT_PIN_L2_TABLE, 20), EINVAL],
  ['pinning what is pinned', op(MMUEXT_PIN_L1_TABLE, 20), EINVAL],
  ['pinning a frame that is nobody’s', op(MMUEXT_PIN_L3_TABLE, 61), EINVAL],
  ['pinning a frame of Xen’s', op(MMUEXT_PIN_L1_TABLE, XEN_FRAME), EINVAL],
  ['pinning a number that is none', op(MMUEXT_PIN_L1_TABLE, 1n << 63n), EINVAL],
  ['unpinning what is not pinned', op(MMUEXT_UNPIN_TABLE, 4), EINVAL],
  ['unpinning a frame that is nobody’s', op(MMUEXT_UNPIN_TABLE, 1 << 20), EINVAL],
  ['a root that is an L3 table', op(MMUEXT_NEW_BASEPTR, 2), EINVAL],
  ['no root', op(MMUEXT_NEW_BASEPTR, 0), EINVAL],
  ['a user root that is a page', op(MMUEXT_NEW_USER_BASEPTR, 10), EINVAL],
  ['a flush of vCPUs in an unreadable bitmap', op(MMUEXT_TLB_FLUSH_MULTI, 0, 0x20_0000), EINVAL],
  ['an invlpg of vCPUs in an unreadable bitmap', op(MMUEXT_INVLPG_MULTI, 0, -1n & 0xffff_ffffn), EINVAL],
  ['a cache flush', op(MMUEXT_FLUSH_CACHE), EACCES],
  ['a cache flush everywhere', op(MMUEXT_FLUSH_CACHE_GLOBAL), EINVAL],
  ['an LDT that is not page aligned', op(MMUEXT_SET_LDT, 0x1008, 1), EINVAL],
  ['an LDT in the hypervisor’s range', op(MMUEXT_SET_LDT, 0xffff_8000_0000_0000n, 1), EINVAL],
  ['an LDT of too many entries', op(MMUEXT_SET_LDT, 0x1000, 8193), EINVAL],
  ['clearing a page table', op(MMUEXT_CLEAR_PAGE, 20), EINVAL],
  ['copying over a page table', op(MMUEXT_COPY_PAGE, 20, 10), EINVAL],
  ['copying from a frame that is nobody’s', op(MMUEXT_COPY_PAGE, 10, 61), EINVAL],
  ['superpages', op(MMUEXT_MARK_SUPER, 10), EOPNOTSUPP],
  ['no superpages', op(MMUEXT_UNMARK_SUPER, 10), EOPNOTSUPP],
  ['an unknown command', op(14), ENOSYS],
  ['an unknown command past every table', op(0xffff_ffff), ENOSYS],
  ['a GDT in a writable page', (d) => d.setGdt([10], 512), EINVAL],
  ['a GDT in a page table', (d) => d.setGdt([12, 20], 1024), EINVAL],
  ['a GDT in frames that are nobody’s', (d) => d.setGdt([61], 1), EINVAL],
  ['a GDT that reaches into the hypervisor’s part', (d) => d.setGdt([12], 7169), EINVAL],
  ['a GDT at an unreadable address', call(2, 0x10_0000, 1), EFAULT],
  ['a descriptor in a page table', call(10, 20 * 4096, 0), EINVAL],
  ['a misaligned descriptor', call(10, 12 * 4096 + 4, 0), EINVAL],
  ['a descriptor in a frame that is nobody’s', call(10, 61 * 4096, 0), EINVAL],
  ['an LDT descriptor', call(10, 12 * 4096, 0x0000_8200_0000_0000n), EINVAL],
  ['an interrupt gate', call(10, 12 * 4096, 0x0000_8e00_0000_0000n), EINVAL],
  ['a call gate to the hypervisor', call(10, 12 * 4096, 0x0000_8c00_e008_0000n), EINVAL],
  ['a call gate with a parameter count', call(10, 12 * 4096, 0x0000_8c01_0010_0000n), EINVAL],
  ['a mapping for another domain', call(22, 0x3000, 0, 0, 2), ESRCH],
])('refuses %s', (_what, attempt, errno) => {
  const domain = runningDomain()
  const frames = Array.from({ length: XEN_FRAME }, (_, i) => i + 1)
  const before = frames.map((gmfn) => domain.counts(gmfn).slice(1))
  const entries = [1, 2, 3, 4].map((table) => [0, 1, 2, 3, 256, 271].map((slot) => domain.entry(table, slot)))

  expect(attempt(domain)).toBe(-errno)

  expect(frames.map((gmfn) => domain.counts(gmfn).slice(1))).toEqual(before)
  expect([1, 2, 3, 4].map((table) => [0, 1, 2, 3, 256, 271].map((slot) => domain.entry(table, slot)))).toEqual(entries)
})

it.each<readonly [what: string, attempt: Attempt]>([
  ['an entry that is not present, whatever it says', update(L1 + 24, frame(0xfffff, 0xffe) | 0)],
  ['a second writable mapping of a page', update(L1 + 24, frame(10, P | RW))],
  ['G, NX and the bits software may use', update(L1 + 24, NX | (0x7ffn << 52n) | BigInt(frame(11, P | 0xf00)))],
  ['a read-only mapping of an L1 table', update(L1 + 24, frame(20, P))],
  ['a writable mapping of a frame of Xen’s', map(0x3000n, frame(XEN_FRAME, P | RW))],
  ['an empty frame as a table below', update(L2 + 8, frame(13, P | RW))],
  ['a table a second time', update(L2 + 8, frame(4, P | RW))],
  ['8 bytes into a writable page', update(10 * 4096 + 16, 0x1122_3344_5566_7788n)],
  ['an M2P entry', update((10 << 12) | MMU_MACHPHYS_UPDATE, 77)],
  ['an update that keeps accessed and dirty', update(L1 | MMU_PT_UPDATE_PRESERVE_AD, frame(10, P | RW))],
  ['pinning a table in use', op(MMUEXT_PIN_L1_TABLE, 4)],
  ['the same root again', op(MMUEXT_NEW_BASEPTR, 1)],
  ['a user root and none', (d) => d.mmuext(MMUEXT_NEW_USER_BASEPTR, 1) || d.mmuext(MMUEXT_NEW_USER_BASEPTR, 0)],
  ['a GDT in fresh frames, and none', (d) => d.setGdt([12, 13], 513) || d.setGdt([], 0)],
  ['a descriptor in a writable page', call(10, 10 * 4096 + 8, 0x00af_9a00_0000_ffffn)],
  ['update_va_mapping_otherdomain of itself', call(22, 0x3000, frame(10, P), 0, 0x7ff0)],
])('allows %s', (_what, attempt) => {
  expect(attempt(runningDomain())).toBe(0)
})
