import { beforeEach, describe, expect, it } from 'vitest'
import * as abi from '../../src/abi/grant-table.ts'
import type { Embedded } from '../../src/abi/struct.ts'
import { DOMID_SELF, __HYPERVISOR_grant_table_op as NR } from '../../src/abi/xen.ts'
import type { MappedGrant } from '../../src/grant-table/grant-tables.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, MemoryDomain, READ_ONLY_PFN, va } from '../pv-kit/memory-domain.ts'
import type { Values } from '../pv-kit/struct-values.ts'

const EINVAL = -22
const ENOSYS = -38

let machine: Machine
let d1: MemoryDomain
let d2: MemoryDomain

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
  d2 = machine.add(new MemoryDomain(2))
  machine.grants.grow(d1, 1)
  machine.grants.grow(d2, 1)
})

const op = (domain: MemoryDomain, cmd: number, struct: Embedded, values: Values, ...fields: string[]) => {
  const answer = machine.op(domain, NR, cmd, struct, values, { args: ['arg', 1] })
  return [answer.result, ...answer.fields(...fields)]
}

/** Writes an entry as the guest does. */
function grant(domain: MemoryDomain, ref: number, to: number, pfn: number, flags = abi.GTF_permit_access): void {
  const table = new DataView(domain.memory.bytes.buffer, tableOffset(domain) + ref * 8, 8)
  table.setUint16(0, flags, true)
  table.setUint16(2, to, true)
  table.setUint32(4, gmfnOf(pfn), true)
}
const tableOffset = (domain: MemoryDomain) => domain.memory.frameOffset(gmfnOf(24))
const flags = (domain: MemoryDomain, ref: number) =>
  new DataView(domain.memory.bytes.buffer).getUint16(tableOffset(domain) + ref * 8, true)
const map = (ref: number, readonly: boolean): MappedGrant => {
  const mapped = machine.grants.mapGrant(1, ref, readonly)
  if (typeof mapped === 'number') throw new Error(`status ${mapped}`)
  return mapped
}
const IN_USE = abi.GTF_reading | abi.GTF_writing

describe('a grant that domain 0 maps', () => {
  it('is the frame itself, marked in use until its last release', () => {
    grant(d1, 3, 0, 9)
    const writable = map(3, false)
    const readonly = map(3, true)
    writable.bytes[17] = 0xab
    writable.commit(17, 1)
    expect([d1.peek(va(9, 17), 1).getUint8(0), readonly.bytes[17], readonly.gmfn]).toEqual([0xab, 0xab, gmfnOf(9)])
    expect([flags(d1, 3), d1.frame(gmfnOf(9)).references]).toEqual([abi.GTF_permit_access | IN_USE, 2])
    writable.release()
    writable.release()
    expect([flags(d1, 3), d1.frame(gmfnOf(9)).references]).toEqual([abi.GTF_permit_access | abi.GTF_reading, 1])
    readonly.release()
    expect([flags(d1, 3), d1.frame(gmfnOf(9)).references, machine.grants.usesOf(d1)]).toEqual([1, 0, 0])
  })

  it('stays the frame it was, whatever the guest writes into the entry', () => {
    grant(d1, 3, 0, 9)
    const first = map(3, true)
    grant(d1, 3, 0, 10, abi.GTF_permit_access | abi.GTF_reading)
    expect(map(3, true).gmfn).toBe(first.gmfn)
  })

  it.each([
    ['no such entry', 512, {}, abi.GNTST_bad_gntref],
    ['granted to another', 3, { to: 2 }, abi.GNTST_general_error],
    ['not granted', 3, { flags: abi.GTF_invalid }, abi.GNTST_general_error],
    ['a transfer', 3, { flags: abi.GTF_accept_transfer }, abi.GNTST_general_error],
    ['read-only', 3, { flags: abi.GTF_permit_access | abi.GTF_readonly }, abi.GNTST_general_error],
    ['a frame that is not there', 3, { pfn: 80 }, abi.GNTST_bad_page],
    ['a frame far outside', 3, { pfn: 0xffff_fe00 }, abi.GNTST_bad_page],
    ['a frame that may not be written', 3, { pfn: READ_ONLY_PFN }, abi.GNTST_general_error],
  ])('is refused: %s', (_why, ref, entry, status) => {
    const { to = 0, pfn = 9, flags: entryFlags = abi.GTF_permit_access } = entry as Record<string, number>
    grant(d1, 3, to, pfn, entryFlags)
    expect(machine.grants.mapGrant(1, ref, false)).toBe(status)
    expect(flags(d1, 3)).toBe(entryFlags)
    expect(machine.grants.usesOf(d1)).toBe(0)
  })

  it('may be read where it may not be written', () => {
    grant(d1, 3, 0, READ_ONLY_PFN, abi.GTF_permit_access | abi.GTF_readonly)
    expect(() => map(3, true).commit(0, 1)).toThrow('granted read-only')
    expect(machine.grants.mapGrant(9, 3, true)).toBe(abi.GNTST_bad_domain)
  })

  it('is one the toolstack made before the guest ran', () => {
    machine.grants.grantAccess(d1, abi.GNTTAB_RESERVED_XENSTORE, 0, gmfnOf(11))
    expect(map(abi.GNTTAB_RESERVED_XENSTORE, false).gmfn).toBe(gmfnOf(11))
  })
})

describe('grant_table_op', () => {
  const query = (dom: number) =>
    op(d1, abi.GNTTABOP_query_size, abi.gnttab_query_size, { dom }, 'nr_frames', 'max_nr_frames', 'status')
  const setup = (nr_frames: number, dom = DOMID_SELF, frame_list = va(2)) =>
    op(d1, abi.GNTTABOP_setup_table, abi.gnttab_setup_table, { dom, nr_frames, frame_list }, 'status')

  it('grows the table and names its frames, which are Xen’s', () => {
    expect(query(DOMID_SELF)).toEqual([0, 1, 64, 0])
    expect(setup(3)).toEqual([0, 0])
    expect(query(1)).toEqual([0, 3, 64, 0])
    const list = d1.peek(va(2), 24)
    const frames = [0, 8, 16].map((at) => Number(list.getBigUint64(at, true)))
    expect(frames.map((gmfn) => d1.frame(gmfn).kind)).toEqual([2, 2, 2])
    expect([setup(65), setup(1, 2), setup(1, DOMID_SELF, 0n), query(2)[3]]).toEqual([
      [0, abi.GNTST_general_error],
      [0, abi.GNTST_permission_denied],
      [0, abi.GNTST_bad_virt_addr],
      abi.GNTST_permission_denied,
    ])
  })

  it('stays with version 1', () => {
    const version = (version: number) => op(d1, abi.GNTTABOP_set_version, abi.gnttab_set_version, { version })[0]
    expect([version(1), version(2), version(3)]).toEqual([0, ENOSYS, EINVAL])
    expect(op(d1, abi.GNTTABOP_get_version, abi.gnttab_get_version, { dom: DOMID_SELF }, 'version')).toEqual([0, 1])
  })

  const copy = (values: Values) => op(d2, abi.GNTTABOP_copy, abi.gnttab_copy, values, 'status')[1]
  const own = { u: { gmfn: gmfnOf(10) }, domid: DOMID_SELF }
  const theirs = { u: { ref: 3 }, domid: 1 }

  it('copies between a guest’s own frame and another’s grant', () => {
    grant(d1, 3, 2, 9)
    d1.poke(va(9, 100), new Uint8Array([1, 2, 3, 4]))
    const from = { source: { ...theirs, offset: 100 }, dest: { ...own, offset: 8 }, len: 4, flags: 1 }
    expect(copy(from)).toBe(0)
    expect(d2.peek(va(10, 8), 4).getUint32(0, true)).toBe(0x0403_0201)
    expect(copy({ source: { ...own, offset: 8 }, dest: { ...theirs, offset: 200 }, len: 2, flags: 2 })).toBe(0)
    expect(d1.peek(va(9, 200), 4).getUint32(0, true)).toBe(0x0201)
    expect([flags(d1, 3), machine.grants.usesOf(d1), d2.frame(gmfnOf(10)).references]).toEqual([1, 0, 0])
  })

  it('copies nothing it may not', () => {
    grant(d1, 3, 2, 9, abi.GTF_permit_access | abi.GTF_readonly)
    grant(d1, 4, 0, 9)
    const tries: Values[] = [
      { source: { ...own, offset: 4000 }, dest: own, len: 200, flags: 0 },
      { source: own, dest: theirs, len: 8, flags: 2 },
      { source: { u: { ref: 4 }, domid: 1 }, dest: own, len: 8, flags: 1 },
      { source: own, dest: { u: { gmfn: gmfnOf(9) }, domid: 1 }, len: 8, flags: 0 },
      { source: own, dest: { u: { gmfn: 5 }, domid: DOMID_SELF }, len: 8, flags: 0 },
      { source: { u: { ref: 3 }, domid: 7 }, dest: own, len: 8, flags: 1 },
    ]
    expect(tries.map(copy)).toEqual([
      abi.GNTST_bad_copy_arg,
      abi.GNTST_general_error,
      abi.GNTST_general_error,
      abi.GNTST_permission_denied,
      abi.GNTST_bad_page,
      abi.GNTST_bad_domain,
    ])
    expect([machine.grants.usesOf(d1), d2.frame(gmfnOf(10)).references]).toEqual([0, 0])
  })

  it('swaps entries that nobody uses', () => {
    grant(d1, 3, 0, 9)
    grant(d1, 4, 2, 10, abi.GTF_permit_access | abi.GTF_readonly)
    const swap = (ref_a: number, ref_b: number) =>
      op(d1, abi.GNTTABOP_swap_grant_ref, abi.gnttab_swap_grant_ref, { ref_a, ref_b }, 'status')[1]
    expect([swap(3, 4), flags(d1, 3), flags(d1, 4)]).toEqual([0, 5, 1])
    const mapped = map(4, true)
    expect([swap(3, 4), swap(3, 600)]).toEqual([abi.GNTST_eagain, abi.GNTST_bad_gntref])
    mapped.release()
    expect([swap(3, 4), flags(d1, 3)]).toEqual([0, 1])
  })

  it('works through a long list with interruptions', () => {
    const swaps = new Uint32Array(300 * 3)
    for (let i = 0; i < 300; i++) swaps.set([3, 4, 7], i * 3)
    d1.poke(va(8), new Uint8Array(swaps.buffer))
    grant(d1, 3, 0, 9, abi.GTF_permit_access | abi.GTF_readonly)
    expect(machine.call(d1, 0, NR, abi.GNTTABOP_swap_grant_ref, va(8), 300)).toBe(0)
    expect(machine.detours).toEqual(['continue'])
    expect([flags(d1, 3), d1.peek(va(8, 299 * 12 + 8), 2).getInt16(0, true)]).toEqual([5, 0])
  })

  it('refuses to map between guests, by a status', () => {
    grant(d1, 3, 2, 9)
    const map = (values: Values) =>
      op(d2, abi.GNTTABOP_map_grant_ref, abi.gnttab_map_grant_ref, { flags: 2, ref: 3, dom: 1, ...values }, 'status')
    expect(map({})).toEqual([0, abi.GNTST_permission_denied])
    expect(map({ ref: 4 })).toEqual([0, abi.GNTST_general_error])
    expect(map({ ref: 99_999 })).toEqual([0, abi.GNTST_bad_gntref])
    expect(map({ dom: 77 })).toEqual([0, abi.GNTST_bad_domain])
    expect(map({ flags: 0 })).toEqual([0, abi.GNTST_bad_gntref])
    expect(op(d2, abi.GNTTABOP_unmap_grant_ref, abi.gnttab_unmap_grant_ref, {}, 'status')[1]).toBe(abi.GNTST_bad_handle)
    expect(machine.call(d1, 0, NR, abi.GNTTABOP_query_size, va(1), 2)).toBe(EINVAL)
    expect(machine.call(d1, 0, NR, abi.GNTTABOP_copy, va(1), -1)).toBe(EINVAL)
    expect(machine.call(d1, 0, NR, 55, va(1), 1)).toBe(ENOSYS)
  })
})
