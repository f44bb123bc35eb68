import { describe, expect, test } from 'vitest'
import { XEN_ELFNOTE_INIT_P2M, XEN_ELFNOTE_MOD_START_PFN } from '../../src/abi/elfnote.ts'
import { DomainBuildError } from '../../src/builder/build-error.ts'
import { parsePvKernel } from '../../src/builder/pv-image.ts'
import { planPvLayout } from '../../src/builder/pv-layout.ts'
import { CLOUD_LIKE, makeKernel, withNotes } from './synthetic-kernel.ts'

const MIB = 256
const RAMDISK = new Uint8Array(0x212810)
const cloud = parsePvKernel(makeKernel(CLOUD_LIKE), 'vmlinuz')
const noNotes = withNotes(CLOUD_LIKE.notes ?? [], {
  [XEN_ELFNOTE_INIT_P2M]: undefined,
  [XEN_ELFNOTE_MOD_START_PFN]: undefined,
})
/** The same kernel asking for everything in its initial mapping. */
const old = parsePvKernel(makeKernel({ ...CLOUD_LIKE, notes: noNotes }), 'vmlinuz')

function failure(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (!(error instanceof DomainBuildError)) throw error
    return `${error.code} ${error.message}`
  }
  return 'no error'
}

describe('a kernel that takes its ramdisk and its p2m list apart', () => {
  test('256 MiB and the 2.1 MB ramdisk: frame for frame what real Xen 4.17 was seen to do', () => {
    const layout = planPvLayout({ image: cloud, ramdisk: RAMDISK, cmdline: 'console=hvc0', pages: 256 * MIB })
    expect(layout).toMatchObject({
      startInfoPfn: 0x3e00,
      storePfn: 0x3e01,
      consolePfn: 0x3e02,
      bootTables: { pfn: 0x3e03, pages: 0x23 },
      bootStackPfn: 0x3e26,
      endOfMapping: 0x4000,
      ramdisk: { pfn: 0x4000, pages: 0x213 },
      modStart: 0x4000n,
      p2m: { pfn: 0x4213, pages: 0x80 },
      p2mArea: { pfn: 0x4213, pages: 0x83 },
      p2mVa: 0x8000000000n,
      end: 0x4296,
    })
    expect(layout.tables.map(({ level, pfn, count }) => [level, pfn, count])).toEqual([
      [4, 0x3e03, 1],
      [3, 0x3e04, 1],
      [2, 0x3e05, 1],
      [1, 0x3e06, 0x20],
      [3, 0x4293, 1],
      [2, 0x4294, 1],
      [1, 0x4295, 1],
    ])
  })

  test('3.5 GiB only make the p2m list and its tables longer', () => {
    const layout = planPvLayout({ image: cloud, cmdline: '', pages: 3584 * MIB })
    expect(layout).toMatchObject({ ramdisk: undefined, modStart: 0n, p2m: { pfn: 0x4000, pages: 0x700 } })
    expect(layout.p2mArea.pages).toBe(0x700 + 1 + 1 + 4)
  })

  test('an empty ramdisk is none', () => {
    const layout = planPvLayout({ image: cloud, ramdisk: new Uint8Array(0), cmdline: '', pages: 256 * MIB })
    expect(layout).toMatchObject({ ramdisk: undefined, modStart: 0n })
  })
})

describe('a kernel that wants all in its initial mapping', () => {
  test('ramdisk and p2m list come before start_info, and the mapping grows with them', () => {
    const layout = planPvLayout({ image: old, ramdisk: RAMDISK, cmdline: '', pages: 256 * MIB })
    expect(layout).toMatchObject({
      ramdisk: { pfn: 0x3e00, pages: 0x213 },
      modStart: 0xffffffff83e00000n,
      p2m: { pfn: 0x4013, pages: 0x80 },
      p2mVa: 0xffffffff84013000n,
      p2mArea: { pfn: 0, pages: 0 },
      startInfoPfn: 0x4093,
      bootTables: { pfn: 0x4096, pages: 0x25 },
      bootStackPfn: 0x40bb,
      endOfMapping: 0x4400,
      end: 0x4400,
    })
  })

  test('there are always 512 KiB behind the boot stack, and the mapping ends on 4 MiB', () => {
    for (let pages = 0; pages < 1100; pages += 7) {
      const layout = planPvLayout({ image: old, ramdisk: new Uint8Array(pages * 4096), cmdline: '', pages: 128 * MIB })
      const free = layout.endOfMapping - (layout.bootStackPfn + 1)
      expect(layout.endOfMapping % 1024).toBe(0)
      expect(free).toBeGreaterThanOrEqual(128)
      expect(free).toBeLessThan(128 + 1024)
      expect(layout.bootTables.pages).toBe(3 + layout.endOfMapping / 512)
    }
  })

  test('a ramdisk that does not fit above VIRT_BASE', () => {
    const huge = { length: 2 ** 31 } as Uint8Array
    expect(failure(() => planPvLayout({ image: old, ramdisk: huge, cmdline: '', pages: 3584 * MIB }))).toMatch(
      /KERNEL_NOTES kernel vmlinuz: it wants \d+ MiB mapped from VIRT_BASE 0xffffffff80000000 on, more than there is; use/,
    )
  })
})

test('a p2m list that would run into VIRT_BASE is refused', () => {
  const notes = withNotes(CLOUD_LIKE.notes ?? [], { [XEN_ELFNOTE_INIT_P2M]: 0xffffffff7ffff000n })
  const image = parsePvKernel(makeKernel({ ...CLOUD_LIKE, notes }), 'vmlinuz')
  expect(failure(() => planPvLayout({ image, cmdline: '', pages: 256 * MIB }))).toBe(
    'KERNEL_NOTES kernel vmlinuz: the p2m list does not fit between INIT_P2M 0xffffffff7ffff000 and VIRT_BASE 0xffffffff80000000; use less memory',
  )
})

describe('too little memory', () => {
  test.each([64, 48, 1, 0])('memory=%i is refused with what would do', (mib) => {
    expect(failure(() => planPvLayout({ image: cloud, ramdisk: RAMDISK, cmdline: '', pages: mib * MIB }))).toBe(
      `MEMORY_TOO_SMALL memory=${mib} is too small: kernel vmlinuz with its ramdisk needs at least 67 MiB`,
    )
  })

  test('what is asked for is enough, and a MiB less is not', () => {
    expect(planPvLayout({ image: cloud, ramdisk: RAMDISK, cmdline: '', pages: 67 * MIB }).end).toBeLessThanOrEqual(
      67 * MIB,
    )
    expect(failure(() => planPvLayout({ image: cloud, ramdisk: RAMDISK, cmdline: '', pages: 66 * MIB }))).toContain(
      'at least 67',
    )
    expect(failure(() => planPvLayout({ image: old, cmdline: '', pages: 63 * MIB }))).toBe(
      'MEMORY_TOO_SMALL memory=63 is too small: kernel vmlinuz needs at least 64 MiB',
    )
    expect(planPvLayout({ image: old, cmdline: '', pages: 64 * MIB }).end).toBe(64 * MIB)
  })

  test('a kernel as large as no memory is', () => {
    const loads = [{ paddr: 0x3000000n, bytes: Buffer.from('x'), memBytes: 1n << 30n }]
    const image = parsePvKernel(makeKernel({ ...CLOUD_LIKE, loads }), 'vmlinuz')
    expect(failure(() => planPvLayout({ image, cmdline: '', pages: 256 * MIB }))).toMatch(/needs at least 107\d MiB$/)
  })
})

describe('the command line', () => {
  test('has at most 1023 bytes of UTF-8', () => {
    const plan = (cmdline: string) => planPvLayout({ image: cloud, cmdline, pages: 256 * MIB })
    expect(plan('x'.repeat(1023)).startInfoPfn).toBe(0x3e00)
    expect(failure(() => plan('x'.repeat(1024)))).toBe(
      'CMDLINE extra: the kernel command line has 1024 bytes, a PV guest takes at most 1023; shorten it',
    )
    expect(failure(() => plan('ü'.repeat(512)))).toContain('has 1024 bytes')
    expect(failure(() => plan('a\0b'))).toBe(
      'CMDLINE extra: the kernel command line has a NUL character in it; remove it',
    )
  })
})
