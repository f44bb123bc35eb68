/** An ELF file of sections and no segments, as dumps of domains are (ELF-64 object file format, 1.5). */
import { type Struct, sizeof, struct } from '../abi/struct.ts'

const ehdr = {
  ident: ['u8', 16],
  type: 'u16',
  machine: 'u16',
  version: 'u32',
  entry: 'u64',
  phoff: 'u64',
  shoff: 'u64',
  flags: 'u32',
  ehsize: 'u16',
  phentsize: 'u16',
  phnum: 'u16',
  shentsize: 'u16',
  shnum: 'u16',
  shstrndx: 'u16',
} as const
const Ehdr: Struct<typeof ehdr> = struct('ELF header', ehdr)

const shdr = {
  name: 'u32',
  type: 'u32',
  flags: 'u64',
  addr: 'u64',
  offset: 'u64',
  size: 'u64',
  link: 'u32',
  info: 'u32',
  addralign: 'u64',
  entsize: 'u64',
} as const
const Shdr: Struct<typeof shdr> = struct('ELF section header', shdr)

const CLASS_64_LITTLE_ENDIAN = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]
const ET_CORE = 4
const EM_X86_64 = 62
const SHT_PROGBITS = 1
const SHT_STRTAB = 3
const SHT_NOTE = 7

export interface Section {
  readonly name: string
  readonly type: 'progbits' | 'strtab' | 'note'
  /** Bytes. */
  readonly size: number
  readonly align: number
  /** Bytes of an element, of a table. */
  readonly entry: number
}

export interface PlacedSection extends Section {
  /** In the file. */
  readonly offset: number
}

const TYPES = { progbits: SHT_PROGBITS, strtab: SHT_STRTAB, note: SHT_NOTE } as const
const NAMES = '.shstrtab'

export interface SectionFile {
  /** All that comes before the first section: headers and names. */
  readonly head: Uint8Array
  readonly sections: readonly PlacedSection[]
  /** Of the whole file. */
  readonly size: number
}

/** Places sections one after the other. */
export function sectionFile(sections: readonly Section[]): SectionFile {
  const names = ['', NAMES, ...sections.map(({ name }) => name)]
  const strings = new TextEncoder().encode(names.map((name) => `${name}\0`).join(''))
  const strtab: Section = { name: NAMES, type: 'strtab', size: strings.length, align: 1, entry: 0 }
  const placed: PlacedSection[] = []
  let end = sizeof(Ehdr) + names.length * sizeof(Shdr)
  for (const section of [strtab, ...sections]) {
    const offset = Math.ceil(end / section.align) * section.align
    placed.push({ ...section, offset })
    end = offset + section.size
  }
  const [first, ...others] = placed as [PlacedSection, ...PlacedSection[]]
  const head = new Uint8Array(first.offset + first.size)
  head.set(strings, first.offset)
  const view = new DataView(head.buffer)
  writeHeader(view, names.length)
  let name = 1
  for (const [n, section] of placed.entries()) {
    writeSection(view, sizeof(Ehdr) + (n + 1) * sizeof(Shdr), section, name)
    name += section.name.length + 1
  }
  return { head, sections: others, size: end }
}

function writeHeader(view: DataView, sections: number): void {
  for (const [n, byte] of CLASS_64_LITTLE_ENDIAN.entries()) Ehdr.ident.set(view, 0, n, byte)
  Ehdr.type.set(view, 0, ET_CORE)
  Ehdr.machine.set(view, 0, EM_X86_64)
  Ehdr.version.set(view, 0, 1)
  Ehdr.shoff.setNumber(view, 0, sizeof(Ehdr))
  Ehdr.ehsize.set(view, 0, sizeof(Ehdr))
  Ehdr.shentsize.set(view, 0, sizeof(Shdr))
  Ehdr.shnum.set(view, 0, sections)
  Ehdr.shstrndx.set(view, 0, 1)
}

function writeSection(view: DataView, at: number, section: PlacedSection, name: number): void {
  Shdr.name.set(view, at, name)
  Shdr.type.set(view, at, TYPES[section.type])
  Shdr.offset.setNumber(view, at, section.offset)
  Shdr.size.setNumber(view, at, section.size)
  Shdr.addralign.setNumber(view, at, section.align)
  Shdr.entsize.setNumber(view, at, section.entry)
}
