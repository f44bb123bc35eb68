/**
 * Kernel files: damaged ELF files and bzImages, packed in each way, are built into a domain or refused by a
 * DomainBuildError of one line that names the file. Nothing outside the domain's memory is written, which the memory
 * checks, and nothing is built that overlaps.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import * as note from '../../../libs/core/src/abi/elfnote.ts'
import { DomainBuildError } from '../../../libs/core/src/builder/build-error.ts'
import { buildPvDomain } from '../../../libs/core/src/builder/pv-builder.ts'
import { parsePvKernel } from '../../../libs/core/src/builder/pv-image.ts'
import { planPvLayout } from '../../../libs/core/src/builder/pv-layout.ts'
import { SparseMemory } from '../../../libs/core/test/builder/memory-fixture.ts'
import {
  type KernelSpec,
  lz4Store,
  makeBzImage,
  makeKernel,
  VIRT_BASE,
  xzStore,
} from '../../../libs/core/test/builder/synthetic-kernel.ts'
import type { Random } from '../random.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'
import { applyEdits, EDIT, type Region, randomEdits, readDamage } from './edits.ts'

const PAGES = 8 * 256
/** Building takes longer than reading; of the images that are sound one in so many is built. */
const BUILD_ONE_IN = 4
const RAMDISK = Buffer.alloc(5000, 'r')

const SPEC: KernelSpec = {
  loads: [
    { paddr: 0x10000n, bytes: Buffer.from('code'), memBytes: 0x3000n },
    { paddr: 0x14000n, bytes: Buffer.from('data'), memBytes: 0x2000n },
  ],
  notes: [
    [note.XEN_ELFNOTE_ENTRY, VIRT_BASE + 0x10000n],
    [note.XEN_ELFNOTE_VIRT_BASE, VIRT_BASE],
    [note.XEN_ELFNOTE_PADDR_OFFSET, 0n],
    [note.XEN_ELFNOTE_HYPERCALL_PAGE, VIRT_BASE + 0x11000n],
    [note.XEN_ELFNOTE_INIT_P2M, 0x8000000000n],
    [note.XEN_ELFNOTE_MOD_START_PFN, 1n],
    [note.XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801n],
    [note.XEN_ELFNOTE_XEN_VERSION, 'xen-3.0'],
    [note.XEN_ELFNOTE_FEATURES, '!writable_page_tables|pae_pgdir_above_4gb'],
    [note.XEN_ELFNOTE_LOADER, 'generic'],
  ],
}
const LEGACY: KernelSpec = {
  loads: [{ paddr: VIRT_BASE + 0x10000n, bytes: Buffer.from('code'), memBytes: 0x3000n }],
  entry: VIRT_BASE + 0x10000n,
  xenGuest: 'GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x12,LOADER=generic',
}

interface Seed {
  readonly what: string
  readonly file: Buffer
  readonly regions: readonly Region[]
}

const whole = (file: Buffer): Region => ({ at: 0, length: file.length })
const elfSeed = (what: string, file: Buffer): Seed => ({
  what,
  file,
  regions: [whole(file), { at: 0, length: 64 }, { at: 64, length: 56 * 3 }, { at: 232, length: file.length - 232 }],
})
/** The setup header, and the payload behind it with the headers of its packing. */
function bzImageSeed(what: string, payload: Buffer, unpackedBytes?: number): Seed {
  const file = makeBzImage(payload, unpackedBytes === undefined ? {} : { unpackedBytes })
  const at = 4 * 512 + 0x80
  return {
    what,
    file,
    regions: [
      { at: 0x1f0, length: 0x60 },
      { at, length: payload.length + 8 },
      { at, length: 40 },
    ],
  }
}

/** Made once: edits are undone. */
export function imageSeeds(): readonly Seed[] {
  const elf = makeKernel(SPEC)
  const n = elf.length
  return [
    elfSeed('an ELF file with notes', elf),
    elfSeed('an ELF file with notes in sections', makeKernel({ ...SPEC, notesIn: 'section' })),
    elfSeed('an ELF file with __xen_guest', makeKernel(LEGACY)),
    bzImageSeed('a bzImage', elf),
    bzImageSeed('a bzImage with gzip', gzipSync(elf, { level: 0 })),
    bzImageSeed('a bzImage with packed gzip', gzipSync(elf)),
    bzImageSeed('a bzImage with lz4', lz4Store(elf), n),
    bzImageSeed('a bzImage with xz', xzStore(elf), n),
    bzImageSeed('a bzImage with zstd', zstdCompressSync(elf), n),
  ]
}

/** Reads a kernel file, and builds a domain of it if `builds`; answers whether it was sound. */
export function judgeKernel(file: Uint8Array, builds: boolean, parse: typeof parsePvKernel = parsePvKernel): boolean {
  try {
    const image = parse(file, 'fuzzed')
    for (const { offset, bytes, memBytes } of image.segments) {
      demand(Number.isSafeInteger(offset) && Number.isSafeInteger(memBytes), 'a size that is no exact number')
      demand(bytes.length <= memBytes, 'a segment longer than its memory')
      demand(
        offset >= image.startPfn * 4096 && offset + memBytes <= image.endPfn * 4096,
        'a segment outside the kernel',
      )
    }
    if (builds) build(image)
    return true
  } catch (error) {
    if (!(error instanceof DomainBuildError)) throw error
    if (!/^(kernel fuzzed: |memory=8 is too small: )[ -~]*$/.test(error.message)) {
      finding(`a message that is not one plain line with the file's name: ${JSON.stringify(error.message)}`)
    }
    return false
  }
}

function build(image: ReturnType<typeof parsePvKernel>): void {
  const memory = new SparseMemory(PAGES)
  const request = {
    image,
    ramdisk: RAMDISK,
    cmdline: 'x',
    pages: PAGES,
    pfnToMfn: memory.pfnToMfn,
    sharedInfoMfn: 1,
    storeEvtchn: 1,
    consoleEvtchn: 2,
  }
  const built = buildPvDomain(request, planPvLayout(request), memory)
  const tables = new Set(built.pageTables.map(({ pfn }) => pfn))
  demand(tables.size === built.pageTables.length, 'a page table twice')
  for (const pfn of tables) demand(pfn < image.startPfn || pfn >= image.endPfn, 'a page table inside the kernel')
}

class ImageJudge implements Judge {
  readonly #seeds = imageSeeds()
  readonly #parse: typeof parsePvKernel

  constructor(parse: typeof parsePvKernel) {
    this.#parse = parse
  }

  make(random: Random): Uint8Array {
    return randomEdits(random)
  }

  judge(bytes: Uint8Array): number {
    const { file: index, cut } = readDamage(bytes, this.#seeds.length)
    const { file, regions } = this.#seeds[index]!
    const undo = applyEdits(bytes, file, regions)
    try {
      const builds = (bytes[2] ?? 0) % BUILD_ONE_IN === 0
      judgeKernel(file.subarray(0, Math.max(0, file.length - cut)), builds, this.#parse)
    } finally {
      undo()
    }
    return 1
  }
}

/** @param parse what is judged; a test gives a wrong one */
export function imagesTarget(parse: typeof parsePvKernel = parsePvKernel): Target {
  return { name: 'images', input: 'one kernel file', stride: EDIT, life: 100_000, open: () => new ImageJudge(parse) }
}
