/** As `images`, with a real kernel that an earlier start left in the cache: its ELF headers, notes and setup header. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { openKernelFile } from '../../../libs/core/src/builder/kernel-file.ts'
import type { Random } from '../random.ts'
import type { Judge, Target } from '../target.ts'
import { applyEdits, EDIT, type Region, randomEdits, readDamage } from './edits.ts'
import { judgeKernel } from './images.ts'

/** Of so many cases one is of the packed file, which takes long if it still unpacks. */
const PACKED_ONE_IN = 4096
const HEADERS = 64 + 56 * 16
const SETUP: Region = { at: 0x1f0, length: 0x70 }

function cachedKernel(): string | undefined {
  const folder = join(cacheFolder(), 'guests')
  if (!existsSync(folder)) return undefined
  return readdirSync(folder)
    .map((name) => join(folder, name, 'vmlinuz'))
    .find((path) => existsSync(path))
}

class KernelJudge implements Judge {
  readonly #packed: Buffer
  readonly #elf: Buffer
  readonly #regions: readonly Region[]

  constructor(path: string) {
    this.#packed = readFileSync(path)
    const { bytes } = openKernelFile(this.#packed, 'fuzzed')
    this.#elf = Buffer.from(bytes)
    const notes = this.#elf.indexOf('Xen\0', 0, 'latin1')
    const sections = Number(this.#elf.readBigUInt64LE(0x28))
    this.#regions = [
      { at: 0, length: 64 },
      { at: 64, length: HEADERS },
      { at: Math.max(0, notes - 12), length: 400 },
      { at: sections, length: 64 * 40 },
    ]
  }

  make(random: Random): Uint8Array {
    return randomEdits(random)
  }

  judge(bytes: Uint8Array): number {
    const { file: choice, cut } = readDamage(bytes, 256)
    const isPacked = choice === 0 && (bytes[3] ?? 0) % (PACKED_ONE_IN / 256) === 1
    const [file, regions] = isPacked ? [this.#packed, [SETUP]] : [this.#elf, this.#regions]
    const undo = applyEdits(bytes, file, regions)
    try {
      judgeKernel(file.subarray(0, file.length - cut), false)
    } finally {
      undo()
    }
    return 1
  }
}

export function kernelTarget(): Target {
  const path = cachedKernel()
  return {
    name: 'kernel',
    input: 'one kernel file',
    stride: EDIT,
    life: 1 << 20,
    open: () => new KernelJudge(path!),
    missing: () => (path === undefined ? 'no kernel in the cache; npm start puts one there' : undefined),
  }
}
