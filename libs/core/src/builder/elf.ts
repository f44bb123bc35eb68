import { asciiText } from './ascii-text.ts'
import { DomainBuildError } from './build-error.ts'
import type { FileView } from './file-view.ts'

const ELFCLASS64 = 2
const ELFDATA2LSB = 1
const EM_386 = 3
const EM_X86_64 = 62
const ET_EXEC = 2
const ET_DYN = 3
const PHENTSIZE = 56
const SHENTSIZE = 64
/** Longer section names are cut; we look for short ones. */
const MAX_NAME_BYTES = 64

export const PT_LOAD = 1
export const PT_NOTE = 4
export const SHT_NOTE = 7
const SHT_NOBITS = 8

/** A program header. `bytes` is what the file holds of it; the rest up to `memBytes` is zero. */
export interface ElfSegment {
  readonly type: number
  readonly paddr: bigint
  readonly memBytes: bigint
  readonly bytes: Uint8Array
}

export interface ElfSection {
  readonly name: string
  readonly type: number
  readonly bytes: Uint8Array
}

/** What the builder needs of an ELF64 file for x86-64 (System V gABI, chapters 4 and 5). */
export interface ElfFile {
  readonly entry: bigint
  readonly segments: readonly ElfSegment[]
  /** Read on demand: sections are only a fallback, and may be stripped or damaged without harm. */
  sections(): ElfSection[]
}

/** Reads the headers of `file`. Throws `DomainBuildError` for another machine and for anything outside the file. */
export function readElf(file: FileView): ElfFile {
  checkMachine(file)
  const segments: ElfSegment[] = []
  for (const at of table(file, { offset: 0x20, entrySize: 0x36, count: 0x38 }, PHENTSIZE, 'program header')) {
    const type = file.u32(at, 'program header')
    if (type !== PT_LOAD && type !== PT_NOTE) continue
    const fileBytes = file.offset64(at + 0x20, 'segment size')
    const memBytes = file.u64(at + 0x28, 'program header')
    if (type === PT_LOAD && memBytes < fileBytes) file.fail('a segment is larger in the file than in memory')
    const bytes = file.slice(file.offset64(at + 8, 'segment offset'), fileBytes, 'segment')
    segments.push({ type, paddr: file.u64(at + 0x18, 'program header'), memBytes, bytes })
  }
  return { entry: file.u64(0x18, 'ELF header'), segments, sections: () => readSections(file) }
}

function checkMachine(file: FileView): void {
  const wrong = (what: string): never => {
    throw new DomainBuildError('KERNEL_NOT_PV', `kernel ${file.name}: ${what}; use a 64-bit x86 (amd64) kernel`)
  }
  const machine = file.u16(0x12, 'ELF header')
  if (file.u8(4, 'ELF header') !== ELFCLASS64) wrong(machine === EM_386 ? 'a 32-bit kernel' : 'not a 64-bit ELF file')
  if (file.u8(5, 'ELF header') !== ELFDATA2LSB) wrong('a big-endian ELF file')
  if (machine !== EM_X86_64) wrong(`a kernel for ELF machine ${machine}`)
  const type = file.u16(0x10, 'ELF header')
  if (type !== ET_EXEC && type !== ET_DYN) {
    throw new DomainBuildError(
      'KERNEL_FORMAT',
      `kernel ${file.name}: an ELF file of type ${type}, not an executable; give a linked kernel (vmlinux, vmlinuz)`,
    )
  }
}

/** Where the ELF header says a table's offset (8 bytes), entry size and number of entries (2 bytes each) are. */
interface TableFields {
  readonly offset: number
  readonly entrySize: number
  readonly count: number
}

/** Offset of each entry of a header table. */
function table(file: FileView, fields: TableFields, minEntry: number, what: string): number[] {
  const count = file.u16(fields.count, 'ELF header')
  if (count === 0) return []
  const entrySize = file.u16(fields.entrySize, 'ELF header')
  if (entrySize < minEntry) file.fail(`its ${what}s have ${entrySize} bytes instead of ${minEntry}`)
  const start = file.offset64(fields.offset, `${what} offset`)
  file.slice(start, count * entrySize, `table of ${what}s`)
  return Array.from({ length: count }, (_, i) => start + i * entrySize)
}

function readSections(file: FileView): ElfSection[] {
  const entries = table(file, { offset: 0x28, entrySize: 0x3a, count: 0x3c }, SHENTSIZE, 'section header')
  const contents = (at: number): Uint8Array => {
    if (file.u32(at + 4, 'section header') === SHT_NOBITS) return new Uint8Array(0)
    return file.slice(file.offset64(at + 0x18, 'section offset'), file.offset64(at + 0x20, 'section size'), 'section')
  }
  const namesAt = entries[file.u16(0x3e, 'ELF header')]
  const names = namesAt === undefined ? new Uint8Array(0) : contents(namesAt)
  return entries.map((at) => ({
    name: asciiText(names.subarray(file.u32(at, 'section header')), MAX_NAME_BYTES),
    type: file.u32(at + 4, 'section header'),
    bytes: contents(at),
  }))
}
