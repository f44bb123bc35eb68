import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  XEN_ELFNOTE_ENTRY,
  XEN_ELFNOTE_HYPERCALL_PAGE,
  XEN_ELFNOTE_INIT_P2M,
  XEN_ELFNOTE_LOADER,
  XEN_ELFNOTE_MOD_START_PFN,
  XEN_ELFNOTE_PADDR_OFFSET,
  XEN_ELFNOTE_SUPPORTED_FEATURES,
  XEN_ELFNOTE_VIRT_BASE,
  XEN_ELFNOTE_XEN_VERSION,
} from '../../src/abi/elfnote.ts'
import { DomainBuildError } from '../../src/builder/build-error.ts'
import { buildPvDomain } from '../../src/builder/pv-builder.ts'
import { parsePvKernel } from '../../src/builder/pv-image.ts'
import { planPvLayout } from '../../src/builder/pv-layout.ts'
import { SparseMemory } from './memory-fixture.ts'
import { Prng } from './prng.ts'
import { type KernelSpec, lz4Store, makeBzImage, makeKernel, VIRT_BASE, xzStore } from './synthetic-kernel.ts'

const PAGES = 8 * 256
const ROUNDS = 1500

const SPEC: KernelSpec = {
  loads: [
    { paddr: 0x10000n, bytes: Buffer.from('code'), memBytes: 0x3000n },
    { paddr: 0x14000n, bytes: Buffer.from('data'), memBytes: 0x2000n },
  ],
  notes: [
    [XEN_ELFNOTE_ENTRY, VIRT_BASE + 0x10000n],
    [XEN_ELFNOTE_VIRT_BASE, VIRT_BASE],
    [XEN_ELFNOTE_PADDR_OFFSET, 0n],
    [XEN_ELFNOTE_HYPERCALL_PAGE, VIRT_BASE + 0x11000n],
    [XEN_ELFNOTE_INIT_P2M, 0x8000000000n],
    [XEN_ELFNOTE_MOD_START_PFN, 1n],
    [XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801n],
    [XEN_ELFNOTE_XEN_VERSION, 'xen-3.0'],
    [XEN_ELFNOTE_LOADER, 'generic'],
  ],
}
const LEGACY = {
  loads: [{ paddr: VIRT_BASE + 0x10000n, bytes: Buffer.from('code'), memBytes: 0x3000n }],
  entry: VIRT_BASE + 0x10000n,
  xenGuest: 'GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x12,LOADER=generic',
}

/** Values that upset arithmetic. */
const NASTY: readonly bigint[] = [
  ...[0n, 1n, 7n, 8n, 0xfffn, 0x1000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n],
  ...[0x7fffffffffffn, 0x800000000000n, 1n << 40n, 1n << 48n, (1n << 53n) - 1n, 1n << 53n, 1n << 63n],
  ...[0xffff7fffffffffffn, 0xffff800000000000n, 0xffff87fffffff000n, 0xffff880000000000n, VIRT_BASE],
  ...[0xfffffffffffff000n, 0xffffffffffffffffn, 0xffffffffff000000n, 0x8000000000n, 0xffffff8000000000n],
]

function mutate(file: Buffer, prng: Prng): Buffer {
  const bytes = Buffer.from(prng.below(8) === 0 ? file.subarray(0, prng.below(file.length)) : file)
  for (let changes = 1 + prng.below(3); changes > 0 && bytes.length >= 8; changes--) {
    const at = prng.below(bytes.length - 7)
    const value = prng.pick(NASTY)
    const aligned = at & ~3
    const width = prng.below(5)
    if (width === 0) bytes[at] = prng.below(256)
    else if (width === 1) bytes.writeUInt16LE(Number(value & 0xffffn), at & ~1)
    else if (width === 2) bytes.writeUInt32LE(Number(value & 0xffffffffn), aligned)
    else
      bytes.writeBigUInt64LE(width === 3 ? value : BigInt.asUintN(64, bytes.readBigUInt64LE(aligned) + value), aligned)
  }
  return bytes
}

/** Builds a domain of `file` as far as it goes; a frame outside its memory is an error of the fixture's. */
function build(file: Uint8Array): 'built' | DomainBuildError {
  try {
    const image = parsePvKernel(file, 'fuzzed')
    const memory = new SparseMemory(PAGES)
    const request = {
      image,
      ramdisk: Buffer.alloc(5000, 'r'),
      cmdline: 'x',
      pages: PAGES,
      pfnToMfn: memory.pfnToMfn,
      sharedInfoMfn: 1,
      storeEvtchn: 1,
      consoleEvtchn: 2,
    }
    const built = buildPvDomain(request, planPvLayout(request), memory)
    expect(new Set(built.pageTables.map(({ pfn }) => pfn)).size).toBe(built.pageTables.length)
    return 'built'
  } catch (error) {
    if (error instanceof DomainBuildError) return error
    throw error
  }
}

const elf = makeKernel(SPEC)

describe.each([
  ['an ELF file with notes', elf],
  ['an ELF file with notes in sections', makeKernel({ ...SPEC, notesIn: 'section' })],
  ['an ELF file with __xen_guest', makeKernel(LEGACY)],
  ['a bzImage', makeBzImage(elf)],
  ['a bzImage with gzip', makeBzImage(gzipSync(elf, { level: 0 }))],
  ['a bzImage with lz4', makeBzImage(lz4Store(elf), { unpackedBytes: elf.length })],
  ['a bzImage with xz', makeBzImage(xzStore(elf), { unpackedBytes: elf.length })],
])('%s, damaged', (what, file) => {
  test('builds or is refused in one line, within its memory', () => {
    expect(build(file)).toBe('built')
    const prng = new Prng(what.length * 7919)
    const outcomes = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const outcome = build(mutate(file, prng))
      const code = outcome === 'built' ? outcome : outcome.code
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      if (outcome !== 'built') expect(outcome.message).toMatch(/^(kernel fuzzed: |memory=8 is too small: )[ -~]*$/)
    }
    // Else the mutations would have hit nothing, or everything.
    expect(outcomes.get('built')).toBeGreaterThan(0)
    expect(outcomes.size).toBeGreaterThan(1)
  })
})
