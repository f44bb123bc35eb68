import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  XEN_ELFNOTE_ENTRY,
  XEN_ELFNOTE_FEATURES,
  XEN_ELFNOTE_GUEST_OS,
  XEN_ELFNOTE_HYPERCALL_PAGE,
  XEN_ELFNOTE_INIT_P2M,
  XEN_ELFNOTE_LOADER,
  XEN_ELFNOTE_PADDR_OFFSET,
  XEN_ELFNOTE_PHYS32_ENTRY,
  XEN_ELFNOTE_SUPPORTED_FEATURES,
  XEN_ELFNOTE_SUSPEND_CANCEL,
  XEN_ELFNOTE_VIRT_BASE,
  XEN_ELFNOTE_XEN_VERSION,
} from '../../src/abi/elfnote.ts'
import { DomainBuildError } from '../../src/builder/build-error.ts'
import { type PvImage, parsePvKernel } from '../../src/builder/pv-image.ts'
import {
  CLOUD_LIKE,
  type KernelSpec,
  LINUX_NOTES,
  lz4Store,
  makeBzImage,
  makeKernel,
  type Note,
  VIRT_BASE,
  withNotes,
  xzStore,
} from './synthetic-kernel.ts'

const elf = makeKernel(CLOUD_LIKE)

function parse(file: Uint8Array): PvImage {
  return parsePvKernel(file, '/boot/k')
}

/** A one-segment kernel at PFN 16, entered at its first byte, with these notes on top of the few it cannot do without. */
function small(changes: Parameters<typeof withNotes>[1] = {}, spec: Partial<KernelSpec> = {}): Buffer {
  const notes: Note[] = [
    [XEN_ELFNOTE_ENTRY, VIRT_BASE + 0x10000n],
    [XEN_ELFNOTE_VIRT_BASE, VIRT_BASE],
    [XEN_ELFNOTE_XEN_VERSION, 'xen-3.0'],
    [XEN_ELFNOTE_LOADER, 'generic'],
  ]
  const loads = [{ paddr: 0x10000n, bytes: Buffer.from('code'), memBytes: 0x3000n }]
  return makeKernel({ loads, notes: withNotes(notes, changes), ...spec })
}

function withByte(file: Buffer, offset: number, value: number): Buffer {
  const changed = Buffer.from(file)
  changed[offset] = value
  return changed
}

/** Code and message of the error that `run` must throw. */
function failure(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (!(error instanceof DomainBuildError)) throw error
    return `${error.code} ${error.message}`
  }
  return 'no error'
}

describe('what a kernel file may be', () => {
  test.each([
    ['an ELF file', elf],
    ['an ELF file in gzip', gzipSync(elf)],
    ['an ELF file in zstd', zstdCompressSync(elf)],
    ['an ELF file in lz4', lz4Store(elf)],
    ['an ELF file in xz', xzStore(elf)],
    ['a bzImage with gzip', makeBzImage(gzipSync(elf))],
    ['a bzImage with xz', makeBzImage(xzStore(elf), { unpackedBytes: elf.length })],
    ['a bzImage with lz4', makeBzImage(lz4Store(elf), { unpackedBytes: elf.length })],
    ['a bzImage with zstd', makeBzImage(zstdCompressSync(elf), { unpackedBytes: elf.length })],
    ['a bzImage that is not packed', makeBzImage(elf)],
    ['a bzImage in gzip', gzipSync(makeBzImage(gzipSync(elf)))],
  ])('%s', (_, file) => {
    const { entry, virtBase, startPfn, endPfn, segments, ...rest } = parse(file)
    expect({ entry, virtBase, startPfn, endPfn }).toEqual({
      entry: 0xffffffff8304e1c0n,
      virtBase: 0xffffffff80000000n,
      startPfn: 0x1000,
      endPfn: 0x3e00,
    })
    expect(segments.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['text', 'data', 'percpu', 'init'])
    expect(rest).toMatchObject({ initP2m: 0x8000000000n, modStartPfn: true, hypercallPfn: undefined, guestOs: 'linux' })
    expect(rest.features).toEqual({ supported: 0x11n, required: 1n })
  })

  test('a kernel in a view of a larger buffer', () => {
    const large = Buffer.concat([Buffer.alloc(13), elf, Buffer.alloc(7)])
    expect(parse(large.subarray(13, 13 + elf.length)).endPfn).toBe(0x3e00)
  })
})

describe('what notes mean', () => {
  test('numbers may have 4 bytes', () => {
    const image = parse(small({ [XEN_ELFNOTE_SUSPEND_CANCEL]: Buffer.from([1, 0, 0, 0]) }))
    expect(image.suspendCancel).toBe(true)
  })

  test('without ENTRY the ELF entry counts, without VIRT_BASE it is 0', () => {
    const image = parse(
      small({ [XEN_ELFNOTE_ENTRY]: undefined, [XEN_ELFNOTE_VIRT_BASE]: undefined }, { entry: 0x10004n }),
    )
    expect(image).toMatchObject({ entry: 0x10004n, virtBase: 0n, startPfn: 16, endPfn: 19 })
  })

  test('PADDR_OFFSET is taken from physical addresses', () => {
    expect(
      parse(small({ [XEN_ELFNOTE_PADDR_OFFSET]: 0x8000n, [XEN_ELFNOTE_ENTRY]: VIRT_BASE + 0x8000n })).startPfn,
    ).toBe(8)
  })

  test('HYPERCALL_PAGE is a page of the kernel', () => {
    expect(parse(small({ [XEN_ELFNOTE_HYPERCALL_PAGE]: VIRT_BASE + 0x12000n })).hypercallPfn).toBe(18)
  })

  test('SUPPORTED_FEATURES adds to FEATURES', () => {
    const image = parse(
      small({ [XEN_ELFNOTE_SUPPORTED_FEATURES]: 0x8801n, [XEN_ELFNOTE_FEATURES]: 'pae_pgdir_above_4gb|new_thing' }),
    )
    expect(image.features).toEqual({ supported: 0x8811n, required: 0n })
  })

  test('a note that comes twice counts with its last value', () => {
    const notes: Note[] = [[XEN_ELFNOTE_ENTRY, 1n], ...LINUX_NOTES]
    expect(parse(makeKernel({ ...CLOUD_LIKE, notes })).entry).toBe(0xffffffff8304e1c0n)
  })

  test('they are found in sections, where no segment has them', () => {
    expect(parse(small({}, { notesIn: 'section' })).entry).toBe(VIRT_BASE + 0x10000n)
  })

  test('the section __xen_guest counts physical addresses from VIRT_BASE, and the hypercall page in pages', () => {
    const file = makeKernel({
      loads: [{ paddr: VIRT_BASE + 0x10000n, bytes: Buffer.from('code'), memBytes: 0x3000n }],
      entry: VIRT_BASE + 0x10000n,
      xenGuest:
        'GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x12,LOADER=generic,PAE=yes',
    })
    expect(parse(file)).toMatchObject({
      startPfn: 16,
      endPfn: 19,
      hypercallPfn: 18,
      modStartPfn: false,
      guestOs: 'Mini-OS',
    })
  })
})

describe('what is refused', () => {
  const bzImage = makeBzImage(gzipSync(elf))
  const badSetup = Uint8Array.from(bzImage)
  new DataView(badSetup.buffer).setUint32(0x248, 0x7fffffff, true)

  test.each([
    ['no kernel at all', Buffer.from('#!/bin/sh'), 'KERNEL_FORMAT kernel /boot/k: neither an ELF file nor a bzImage'],
    ['an empty file', Buffer.alloc(0), 'KERNEL_FORMAT kernel /boot/k: neither an ELF file nor a bzImage'],
    ['half an ELF header', elf.subarray(0, 40), 'KERNEL_FORMAT kernel /boot/k: truncated: its ELF header ends at byte'],
    [
      'half of its program headers',
      elf.subarray(0, 100),
      'KERNEL_FORMAT kernel /boot/k: truncated: its table of program',
    ],
    ['half of its segments', elf.subarray(0, -20), 'KERNEL_FORMAT kernel /boot/k: truncated: its segment ends at byte'],
    ['a bzImage cut short', bzImage.subarray(0, -40), 'KERNEL_FORMAT kernel /boot/k: truncated: its bzImage payload'],
    ['a payload that is nowhere', badSetup, 'KERNEL_FORMAT kernel /boot/k: truncated: its bzImage payload'],
    [
      'an old bzImage',
      makeBzImage(elf, { version: 0x207 }),
      'KERNEL_FORMAT kernel /boot/k: a bzImage of boot protocol 2.07',
    ],
    ['a bzImage of something else', makeBzImage(Buffer.from('hm')), 'KERNEL_FORMAT kernel /boot/k: neither an ELF'],
    [
      'gzip cut short',
      gzipSync(elf).subarray(0, -20),
      'KERNEL_COMPRESSION kernel /boot/k: its gzip data cannot be unpacked',
    ],
    ['damaged zstd', zstdCompressSync(elf).subarray(0, 30), 'KERNEL_COMPRESSION kernel /boot/k: its zstd data cannot'],
    [
      'bzip2',
      Buffer.from('BZh91AY'),
      'KERNEL_COMPRESSION kernel /boot/k: packed with bzip2, which is not supported; use gzip',
    ],
    [
      'an i386 kernel',
      makeKernel({ ...CLOUD_LIKE, elfClass: 1, machine: 3 }),
      'KERNEL_NOT_PV kernel /boot/k: a 32-bit kernel; use a 64-bit x86 (amd64) kernel',
    ],
    [
      'a kernel of another byte order',
      withByte(elf, 5, 2),
      'KERNEL_NOT_PV kernel /boot/k: a big-endian ELF file; use a 64-bit x86 (amd64) kernel',
    ],
    [
      'a 32-bit kernel of another machine',
      makeKernel({ ...CLOUD_LIKE, elfClass: 1, machine: 8 }),
      'KERNEL_NOT_PV kernel /boot/k: not a 64-bit ELF file; use a 64-bit x86 (amd64) kernel',
    ],
    [
      'short program headers',
      withByte(elf, 0x36, 40),
      'KERNEL_FORMAT kernel /boot/k: its program headers have 40 bytes instead of 56; the file is damaged',
    ],
    [
      'program headers far away',
      withByte(elf, 0x27, 1),
      'KERNEL_FORMAT kernel /boot/k: its program header offset is 0x100000000000040, far outside the file',
    ],
    ['a bzImage of nothing', withByte(makeBzImage(Buffer.alloc(0)), 0x24c, 0), 'a bzImage without a payload; the file'],
    [
      'a note beyond its section',
      withByte(small(), small().indexOf('Xen\0') - 8, 0xff),
      'a note is longer than its section; the file is damaged',
    ],
    [
      'a __xen_guest with a word for a number',
      makeKernel({ loads: CLOUD_LIKE.loads, xenGuest: 'GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=high' }),
      'VIRT_BASE in its __xen_guest section is no number; the file is damaged',
    ],
    [
      'an arm64 kernel',
      makeKernel({ ...CLOUD_LIKE, machine: 183 }),
      'KERNEL_NOT_PV kernel /boot/k: a kernel for ELF machine 183',
    ],
    ['an object file', makeKernel({ ...CLOUD_LIKE, type: 1 }), 'KERNEL_FORMAT kernel /boot/k: an ELF file of type 1'],
    [
      'a kernel without notes',
      makeKernel({ loads: CLOUD_LIKE.loads }),
      'KERNEL_NOT_PV kernel /boot/k: not a Xen PV kernel: no Xen ELF notes; use a kernel built with CONFIG_XEN_PV',
    ],
    [
      'a PVH kernel',
      makeKernel({ loads: CLOUD_LIKE.loads, notes: [[XEN_ELFNOTE_PHYS32_ENTRY, 0x1000850n]] }),
      'KERNEL_NOT_PV kernel /boot/k: it can start as PVH only, not as PV; use a kernel built with CONFIG_XEN_PV',
    ],
    ['another Xen', small({ [XEN_ELFNOTE_XEN_VERSION]: 'xen-2.0' }), 'its notes are for Xen version "xen-2.0"'],
    [
      'another loader',
      small({ [XEN_ELFNOTE_LOADER]: 'special', [XEN_ELFNOTE_GUEST_OS]: 'x' }),
      'its notes ask for the loader "special", not "generic"',
    ],
    [
      'a domain 0 kernel',
      small({ [XEN_ELFNOTE_FEATURES]: '!dom0|pae_pgdir_above_4gb' }),
      'it needs the Xen feature "dom0"',
    ],
    ['a kernel from the future', small({ [XEN_ELFNOTE_FEATURES]: '!toString' }), 'it needs the Xen feature "toString"'],
    [
      'an entry outside',
      small({ [XEN_ELFNOTE_ENTRY]: VIRT_BASE }),
      'KERNEL_NOTES kernel /boot/k: its entry 0xffffffff80000000 is outside of it; its Xen notes are wrong, use another build of it',
    ],
    [
      'a VIRT_BASE in Xen',
      small({ [XEN_ELFNOTE_VIRT_BASE]: 0xffff800000000000n }),
      'VIRT_BASE 0xffff800000000000 puts it over the hypervisor or the end of the address space',
    ],
    [
      'a VIRT_BASE at the end',
      small({ [XEN_ELFNOTE_VIRT_BASE]: 0xfffffffffffff000n }),
      'VIRT_BASE 0xfffffffffffff000 puts it over the hypervisor or the end of the address space',
    ],
    ['a VIRT_BASE between pages', small({ [XEN_ELFNOTE_VIRT_BASE]: VIRT_BASE + 8n }), 'is no address of a page'],
    [
      'a VIRT_BASE that is not canonical',
      small({ [XEN_ELFNOTE_VIRT_BASE]: 0x800000000000n }),
      'is no address of a page',
    ],
    ['a PADDR_OFFSET above it', small({ [XEN_ELFNOTE_PADDR_OFFSET]: 0x20000n }), 'is below the PADDR_OFFSET 0x20000'],
    [
      'an INIT_P2M above VIRT_BASE',
      small({ [XEN_ELFNOTE_INIT_P2M]: 0xffffffffc0000000n }),
      'INIT_P2M 0xffffffffc0000000 is no address of a page below VIRT_BASE that a guest may use',
    ],
    ['an INIT_P2M in Xen', small({ [XEN_ELFNOTE_INIT_P2M]: 0xffff808000000000n }), 'INIT_P2M 0xffff808000000000'],
    [
      'a hypercall page outside',
      small({ [XEN_ELFNOTE_HYPERCALL_PAGE]: VIRT_BASE + 0x13000n }),
      'HYPERCALL_PAGE 0xffffffff80013000',
    ],
    [
      'a note of 3 bytes',
      small({ [XEN_ELFNOTE_SUSPEND_CANCEL]: Buffer.alloc(3) }),
      'its Xen note 14 has 3 bytes instead of 4 or 8',
    ],
    ['nothing to load', makeKernel({ loads: [], notes: LINUX_NOTES }), 'nothing to load in it'],
    [
      'a segment beyond any memory',
      makeKernel({ ...CLOUD_LIKE, loads: [{ paddr: 0x1000000n, bytes: Buffer.alloc(8), memBytes: 1n << 62n }] }),
      'is beyond any memory',
    ],
    [
      'a segment larger in the file than in memory',
      makeKernel({ ...CLOUD_LIKE, loads: [{ paddr: 0x1000000n, bytes: Buffer.alloc(8), memBytes: 4n }] }),
      'a segment is larger in the file than in memory',
    ],
  ])('%s', (_, file, message) => {
    const text = failure(() => parse(file))
    expect(text).toContain(message)
    expect(text).not.toContain('\n')
    expect(text).toContain('; ')
  })
})
