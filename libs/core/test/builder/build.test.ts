import { describe, expect, test } from 'vitest'
import { XEN_ELFNOTE_HYPERCALL_PAGE, XEN_ELFNOTE_INIT_P2M, XEN_ELFNOTE_MOD_START_PFN } from '../../src/abi/elfnote.ts'
import type { BuiltDomain } from '../../src/builder/build-request.ts'
import { buildPvDomain } from '../../src/builder/pv-builder.ts'
import { parsePvKernel } from '../../src/builder/pv-image.ts'
import { type PvLayout, planPvLayout } from '../../src/builder/pv-layout.ts'
import { SparseMemory } from './memory-fixture.ts'
import { CLOUD_LIKE, makeKernel, type Note, VIRT_BASE, withNotes } from './synthetic-kernel.ts'
import { type Leaf, walk } from './table-walker.ts'

const PAGES = 256 * 256
const RAMDISK = Uint8Array.from({ length: 0x212810 }, (_, i) => (i * 7 + (i >> 12)) & 0xff)

interface Guest {
  readonly memory: SparseMemory
  readonly layout: PvLayout
  readonly built: BuiltDomain
  readonly leaf: (va: bigint) => Leaf | undefined
  /** Reads through the page tables, as the guest would. */
  readonly read: (va: bigint, length: number) => Buffer
}

function build(changes: Readonly<Record<number, Note[1] | undefined>> = {}, pages: number = PAGES): Guest {
  const notes = withNotes(CLOUD_LIKE.notes ?? [], changes)
  const image = parsePvKernel(makeKernel({ ...CLOUD_LIKE, notes }), 'vmlinuz')
  const memory = new SparseMemory(pages)
  const request = {
    image,
    ramdisk: RAMDISK,
    cmdline: 'root=/dev/xvda1 console=hvc0 grüße',
    pages,
    pfnToMfn: memory.pfnToMfn,
    sharedInfoMfn: 0x1_9000_0001,
    storeEvtchn: 1,
    consoleEvtchn: 2,
  }
  const layout = planPvLayout(request)
  const built = buildPvDomain(request, layout, memory)
  const leaf = (va: bigint) => walk(memory.readMachine, built.vcpu.cr3, va)
  const read = (va: bigint, length: number): Buffer => {
    const parts: Buffer[] = []
    for (let done = 0; done < length; ) {
      const at = va + BigInt(done)
      const page = leaf(at)
      if (page === undefined) throw new Error(`page fault at ${at.toString(16)}`)
      const within = Number(at & 4095n)
      const part = memory.frame(memory.mfnToPfn(page.mfn)).subarray(within, within + length - done)
      parts.push(Buffer.from(part))
      done += part.length
    }
    return Buffer.concat(parts)
  }
  return { memory, layout, built, leaf, read }
}

/** Every page of the kernel's and the p2m's half that is mapped: [va, leaf]. */
function mapped(guest: Guest, from: bigint, pages: number): (Leaf | undefined)[] {
  return Array.from({ length: pages }, (_, i) => guest.leaf(from + BigInt(i) * 4096n))
}

const VARIANTS: readonly (readonly [string, Readonly<Record<number, Note[1] | undefined>>])[] = [
  ['ramdisk and p2m list apart', {}],
  ['all in the initial mapping', { [XEN_ELFNOTE_INIT_P2M]: undefined, [XEN_ELFNOTE_MOD_START_PFN]: undefined }],
  ['p2m list right below VIRT_BASE', { [XEN_ELFNOTE_INIT_P2M]: VIRT_BASE - 0x80000n }],
  ['p2m list in the same L3 as the kernel', { [XEN_ELFNOTE_INIT_P2M]: 0xffffff8000000000n }],
]

describe.each(VARIANTS)('%s', (_, changes) => {
  const guest = build(changes)
  const { built, layout, memory } = guest

  test('the tables map PFN 0 to the end at VIRT_BASE, tables read-only, and nothing behind', () => {
    const tables = new Set(built.pageTables.map(({ pfn }) => pfn))
    const leaves = mapped(guest, VIRT_BASE, layout.endOfMapping)
    expect(leaves.findIndex((leaf, pfn) => leaf?.mfn !== memory.pfnToMfn(pfn))).toBe(-1)
    expect(leaves.findIndex((leaf, pfn) => leaf?.flags !== (tables.has(pfn) ? 0x21 : 0x23))).toBe(-1)
    expect(guest.leaf(VIRT_BASE + BigInt(layout.endOfMapping) * 4096n)).toBeUndefined()
  })

  test('the p2m list, read where start_info says, has every frame', () => {
    const info = guest.read(built.vcpu.rsi, 1168)
    const list = guest.read(info.readBigUInt64LE(0x68), PAGES * 8)
    const wrong = Array.from({ length: PAGES }, (_, pfn) => pfn).find(
      (pfn) => list.readBigUInt64LE(pfn * 8) !== BigInt(memory.pfnToMfn(pfn)),
    )
    expect(wrong).toBeUndefined()
    expect(mapped(guest, info.readBigUInt64LE(0x68), PAGES / 512).every((leaf) => leaf?.flags === 0x23)).toBe(true)
  })

  test('the ramdisk, found through start_info, is whole', () => {
    const info = guest.read(built.vcpu.rsi, 1168)
    const byPfn = (info.readUInt32LE(0x30) & 8) !== 0
    const modStart = info.readBigUInt64LE(0x70)
    const length = Number(info.readBigUInt64LE(0x78))
    const pfn = byPfn ? Number(modStart) : memory.mfnToPfn(guest.leaf(modStart)?.mfn ?? 0)
    const pages = Array.from({ length: Math.ceil(length / 4096) }, (_, i) => memory.frame(pfn + i))
    expect(Buffer.compare(Buffer.concat(pages).subarray(0, length), RAMDISK)).toBe(0)
    expect(byPfn).toBe(!(XEN_ELFNOTE_MOD_START_PFN in changes))
  })

  test('every table is listed once with its level, each is reached, and boot tables are one run with the L4 first', () => {
    const levels = new Map<number, number>()
    const visit = (pfn: number, level: number): void => {
      levels.set(pfn, level)
      const entries = memory.frame(pfn)
      const view = new DataView(entries.buffer, entries.byteOffset)
      for (let slot = 0; slot < 512 && level > 1; slot++) {
        const entry = view.getBigUint64(slot * 8, true)
        if (entry & 1n) visit(memory.mfnToPfn(Number(entry >> 12n)), level - 1)
      }
    }
    visit(built.l4Pfn, 4)
    const byPfn = (a: readonly number[], b: readonly number[]) => Number(a[0]) - Number(b[0])
    expect(built.pageTables.map(({ pfn, level }) => [pfn, level]).sort(byPfn)).toEqual([...levels].sort(byPfn))
    const run = built.pageTables.slice(0, layout.bootTables.pages).map(({ pfn }) => pfn)
    expect(run).toEqual(Array.from({ length: run.length }, (_, i) => built.l4Pfn + i))
    expect(built.l4Mfn).toBe(memory.pfnToMfn(built.l4Pfn))
  })
})

describe('what a kernel finds when it starts', () => {
  const { built, memory, read, layout } = build()

  test('start_info, field by field at the offsets of xen.h', () => {
    const info = read(built.vcpu.rsi, 1168)
    const u64 = (at: number) => info.readBigUInt64LE(at)
    const text = (at: number, length: number) => info.subarray(at, info.indexOf(0, at)).subarray(0, length).toString()
    expect(text(0, 32)).toBe('xen-3.0-x86_64')
    expect(text(0x80, 1024)).toBe('root=/dev/xvda1 console=hvc0 grüße')
    expect({
      nr_pages: u64(0x20),
      shared_info: u64(0x28),
      flags: info.readUInt32LE(0x30),
      store_mfn: u64(0x38),
      store_evtchn: info.readUInt32LE(0x40),
      console_mfn: u64(0x48),
      console_evtchn: info.readUInt32LE(0x50),
      pt_base: u64(0x58),
      nr_pt_frames: u64(0x60),
      mfn_list: u64(0x68),
      mod_start: u64(0x70),
      mod_len: u64(0x78),
      first_p2m_pfn: u64(0x480),
      nr_p2m_frames: u64(0x488),
    }).toEqual({
      nr_pages: 65536n,
      shared_info: 0x1_9000_0001_000n,
      flags: 8,
      store_mfn: BigInt(memory.pfnToMfn(0x3e01)),
      store_evtchn: 1,
      console_mfn: BigInt(memory.pfnToMfn(0x3e02)),
      console_evtchn: 2,
      pt_base: 0xffffffff83e03000n,
      nr_pt_frames: 35n,
      mfn_list: 0x8000000000n,
      mod_start: 0x4000n,
      mod_len: 0x212810n,
      first_p2m_pfn: 0x4213n,
      nr_p2m_frames: 0x83n,
    })
  })

  test('its registers', () => {
    expect(built.vcpu).toEqual({
      rip: 0xffffffff8304e1c0n,
      rsp: 0xffffffff83e27000n,
      rsi: 0xffffffff83e00000n,
      rflags: 0x200n,
      cs: 0xe033,
      ss: 0xe02b,
      ds: 0,
      es: 0,
      fs: 0,
      gs: 0,
      cr3: BigInt(memory.pfnToMfn(0x3e03)) << 12n,
      kernelSs: 0xe02b,
      kernelSp: 0xffffffff83e27000n,
      dr6: 0xffff0ff0n,
      dr7: 0x400n,
      flags: 0x24,
    })
  })

  test('its segments where their physical addresses say', () => {
    for (const { paddr, bytes } of CLOUD_LIKE.loads) {
      expect(read(VIRT_BASE + paddr, bytes.length + 1)).toEqual(Buffer.concat([bytes, Buffer.of(0)]))
    }
  })

  test('nothing in the frames that hold nothing', () => {
    expect(read(VIRT_BASE + 0x3e01000n, 8192).every((byte) => byte === 0)).toBe(true)
    const { storePfn, consolePfn } = built
    expect([storePfn, consolePfn]).toEqual([0x3e01, 0x3e02])
    expect(memory.touched.filter((pfn) => pfn >= layout.end || pfn < 0x1000)).toEqual([])
  })
})

test('the hypercall page has a stub of each number, and another for iret', () => {
  const { read } = build({ [XEN_ELFNOTE_HYPERCALL_PAGE]: 0xffffffff83000000n })
  const stub = (nr: number) => read(0xffffffff83000000n + BigInt(nr * 32), 32).toString('hex')
  for (let nr = 0; nr < 128; nr++) {
    const imm = `${nr.toString(16).padStart(2, '0')}000000`
    const code = nr === 23 ? `51415350b8${imm}0f05` : `514153b8${imm}0f05415b59c3`
    expect(stub(nr)).toBe(code.padEnd(64, 'cc'))
  }
})

test('the last page of a p2m list that ends within it has no frames behind the end', () => {
  const { read, built } = build({}, PAGES - 3)
  const list = read(read(built.vcpu.rsi, 1168).readBigUInt64LE(0x68) + BigInt((PAGES - 3) * 8), 24)
  expect(list.toString('hex')).toBe('ff'.repeat(24))
})

test('a segment that begins and ends within pages', () => {
  const loads = [{ paddr: 0x304cffcn, bytes: Buffer.from('12345678').subarray(0), memBytes: 0x2000n }]
  const image = parsePvKernel(
    makeKernel({ ...CLOUD_LIKE, loads, notes: withNotes(CLOUD_LIKE.notes ?? [], { 1: 0xffffffff8304d000n }) }),
    'k',
  )
  const memory = new SparseMemory(PAGES)
  const request = {
    image,
    cmdline: '',
    pages: PAGES,
    pfnToMfn: memory.pfnToMfn,
    sharedInfoMfn: 1,
    storeEvtchn: 1,
    consoleEvtchn: 2,
  }
  buildPvDomain(request, planPvLayout(request), memory)
  expect(Buffer.from(memory.frame(0x304c)).subarray(-5).toString('latin1')).toBe('\x001234')
  expect(Buffer.from(memory.frame(0x304d)).subarray(0, 5).toString('latin1')).toBe('5678\0')
})
