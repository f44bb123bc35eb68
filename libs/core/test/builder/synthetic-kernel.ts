import { crc32 } from 'node:zlib'
import {
  XEN_ELFNOTE_ENTRY,
  XEN_ELFNOTE_FEATURES,
  XEN_ELFNOTE_GUEST_OS,
  XEN_ELFNOTE_INIT_P2M,
  XEN_ELFNOTE_LOADER,
  XEN_ELFNOTE_MOD_START_PFN,
  XEN_ELFNOTE_PADDR_OFFSET,
  XEN_ELFNOTE_VIRT_BASE,
  XEN_ELFNOTE_XEN_VERSION,
} from '../../src/abi/elfnote.ts'

export type Note = readonly [type: number, value: bigint | string | Uint8Array]

export const VIRT_BASE = 0xffffffff80000000n

/** The notes of Debian's cloud kernel, as readelf shows them. */
export const LINUX_NOTES: readonly Note[] = [
  [XEN_ELFNOTE_ENTRY, 0xffffffff8304e1c0n],
  [XEN_ELFNOTE_VIRT_BASE, VIRT_BASE],
  [XEN_ELFNOTE_PADDR_OFFSET, 0n],
  [XEN_ELFNOTE_XEN_VERSION, 'xen-3.0'],
  [XEN_ELFNOTE_GUEST_OS, 'linux'],
  [XEN_ELFNOTE_LOADER, 'generic'],
  [XEN_ELFNOTE_FEATURES, '!writable_page_tables|pae_pgdir_above_4gb'],
  [XEN_ELFNOTE_INIT_P2M, 0x8000000000n],
  [XEN_ELFNOTE_MOD_START_PFN, 1n],
]

/** `notes` with some replaced, or left out where the value is undefined. */
export function withNotes(notes: readonly Note[], changes: Readonly<Record<number, Note[1] | undefined>>): Note[] {
  const kept = notes.filter(([type]) => !(type in changes))
  const changed = Object.entries(changes).flatMap(([type, value]) =>
    value === undefined ? [] : [[Number(type), value] as const],
  )
  return [...kept, ...changed]
}

export interface Load {
  readonly paddr: bigint
  readonly bytes: Uint8Array
  readonly memBytes?: bigint
}

export interface KernelSpec {
  readonly loads: readonly Load[]
  readonly notes?: readonly Note[]
  /** Where the notes go; `__xen_guest` takes `xenGuest`. */
  readonly notesIn?: 'segment' | 'section'
  readonly xenGuest?: string
  readonly entry?: bigint
  readonly elfClass?: number
  readonly machine?: number
  readonly type?: number
}

/** The same extent as the cloud kernel: PFNs 0x1000 to 0x3dff, its per-CPU segment included, with few bytes in the file. */
export const CLOUD_LIKE: KernelSpec = {
  loads: [
    { paddr: 0x1000000n, bytes: Buffer.from('text'), memBytes: 0x1822310n },
    { paddr: 0x2a00000n, bytes: Buffer.from('data'), memBytes: 0x618000n },
    { paddr: 0x3018000n, bytes: Buffer.from('percpu'), memBytes: 0x34000n },
    { paddr: 0x304c000n, bytes: Buffer.from('init'), memBytes: 0xdb4000n },
  ],
  notes: LINUX_NOTES,
}

export function encodeNotes(notes: readonly Note[]): Buffer {
  const encoded = notes.map(([type, value]) => {
    const desc = typeof value === 'bigint' ? u64(value) : typeof value === 'string' ? Buffer.from(`${value}\0`) : value
    const header = Buffer.alloc(16)
    header.writeUInt32LE(4, 0)
    header.writeUInt32LE(desc.length, 4)
    header.writeUInt32LE(type, 8)
    header.write('Xen\0', 12, 'latin1')
    return Buffer.concat([header, desc, Buffer.alloc(-desc.length & 3)])
  })
  return Buffer.concat(encoded)
}

const EHDR = 64
const PHDR = 56
const SHDR = 64
const SHT_STRTAB = 3
const SHT_NOTE = 7
const SHT_PROGBITS = 1

/** An ELF64 file of these segments and notes. */
export function makeKernel(spec: KernelSpec): Buffer {
  const notes = encodeNotes(spec.notes ?? [])
  const inSegment = spec.notes !== undefined && (spec.notesIn ?? 'segment') === 'segment'
  const segments = spec.loads.map((load) => ({ type: 1, ...load }))
  if (inSegment) segments.push({ type: 4, paddr: 0n, bytes: notes })
  const sections: { name: string; type: number; bytes: Uint8Array }[] = []
  if (!inSegment && spec.notes !== undefined) sections.push({ name: '.note.Xen', type: SHT_NOTE, bytes: notes })
  if (spec.xenGuest !== undefined) {
    sections.push({ name: '__xen_guest', type: SHT_PROGBITS, bytes: Buffer.from(`${spec.xenGuest}\0`) })
  }
  if (sections.length > 0) sections.push({ name: '.shstrtab', type: SHT_STRTAB, bytes: Buffer.alloc(0) })
  const names = Buffer.from(`${sections.map(({ name }) => name).join('\0')}\0`)
  if (sections.length > 0) (sections.at(-1) as { bytes: Uint8Array }).bytes = names

  const header = Buffer.alloc(EHDR + PHDR * segments.length + SHDR * sections.length)
  const shoff = EHDR + PHDR * segments.length
  header.set([0x7f, 0x45, 0x4c, 0x46, spec.elfClass ?? 2, 1, 1])
  header.writeUInt16LE(spec.type ?? 2, 0x10)
  header.writeUInt16LE(spec.machine ?? 62, 0x12)
  header.writeBigUInt64LE(spec.entry ?? 0n, 0x18)
  header.writeBigUInt64LE(BigInt(EHDR), 0x20)
  header.writeBigUInt64LE(BigInt(sections.length > 0 ? shoff : 0), 0x28)
  header.writeUInt16LE(PHDR, 0x36)
  header.writeUInt16LE(segments.length, 0x38)
  header.writeUInt16LE(SHDR, 0x3a)
  header.writeUInt16LE(sections.length, 0x3c)
  header.writeUInt16LE(Math.max(0, sections.length - 1), 0x3e)

  const bodies: Uint8Array[] = []
  let offset = header.length
  for (const [i, { type, paddr, bytes, memBytes }] of segments.entries()) {
    const at = EHDR + PHDR * i
    header.writeUInt32LE(type, at)
    header.writeBigUInt64LE(BigInt(offset), at + 8)
    header.writeBigUInt64LE(paddr, at + 0x18)
    header.writeBigUInt64LE(BigInt(bytes.length), at + 0x20)
    header.writeBigUInt64LE(memBytes ?? BigInt(bytes.length), at + 0x28)
    bodies.push(bytes)
    offset += bytes.length
  }
  for (const [i, { name, type, bytes }] of sections.entries()) {
    const at = shoff + SHDR * i
    header.writeUInt32LE(names.indexOf(name), at)
    header.writeUInt32LE(type, at + 4)
    header.writeBigUInt64LE(BigInt(offset), at + 0x18)
    header.writeBigUInt64LE(BigInt(bytes.length), at + 0x20)
    bodies.push(bytes)
    offset += bytes.length
  }
  return Buffer.concat([header, ...bodies])
}

/** A bzImage around `payload`. `trailer` appends the unpacked size, as the kernel's build does for all but gzip. */
export function makeBzImage(payload: Uint8Array, options: { version?: number; unpackedBytes?: number } = {}): Buffer {
  const setupSects = 3
  const payloadOffset = 0x80
  const trailer = Buffer.alloc(options.unpackedBytes === undefined ? 0 : 4)
  if (options.unpackedBytes !== undefined) trailer.writeUInt32LE(options.unpackedBytes)
  const setup = Buffer.alloc((setupSects + 1) * 512 + payloadOffset)
  setup[0x1f1] = setupSects
  setup.writeUInt16LE(0xaa55, 0x1fe)
  setup.write('HdrS', 0x202, 'latin1')
  setup.writeUInt16LE(options.version ?? 0x20f, 0x206)
  setup.writeUInt32LE(payloadOffset, 0x248)
  setup.writeUInt32LE(payload.length + trailer.length, 0x24c)
  return Buffer.concat([setup, payload, trailer, Buffer.from('the rest of the image')])
}

/** An LZ4 block of literals only. */
function lz4Literals(bytes: Uint8Array): Buffer {
  const long = Math.max(0, bytes.length - 15)
  const lengths = bytes.length < 15 ? [] : [...Array<number>(Math.floor(long / 255)).fill(255), long % 255]
  return Buffer.concat([Buffer.from([Math.min(15, bytes.length) << 4, ...lengths]), bytes])
}

/** A legacy LZ4 frame that packs nothing. */
export function lz4Store(bytes: Uint8Array): Buffer {
  const block = lz4Literals(bytes)
  return Buffer.concat([Buffer.from([0x02, 0x21, 0x4c, 0x18]), u32(block.length), block])
}

/** An .xz file of one block of unpacked LZMA2 chunks (so at most 64 KiB), checked by CRC-32. */
export function xzStore(bytes: Uint8Array): Buffer {
  const chunk = Buffer.concat([
    Buffer.from([1, (bytes.length - 1) >> 8, (bytes.length - 1) & 0xff]),
    bytes,
    Buffer.of(0),
  ])
  const blockHeader = withCrc(Buffer.from([2, 0, 0x21, 1, 0x16, 0, 0, 0]))
  const padding = Buffer.alloc(-chunk.length & 3)
  const unpadded = blockHeader.length + chunk.length + 4
  const records = Buffer.from([0, 1, ...vli(unpadded), ...vli(bytes.length)])
  const index = withCrc(Buffer.concat([records, Buffer.alloc(-records.length & 3)]))
  const flags = Buffer.from([0, 1])
  const footer = Buffer.concat([u32(index.length / 4 - 1), flags])
  return Buffer.concat([
    Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
    withCrc(flags),
    blockHeader,
    chunk,
    padding,
    u32(crc32(bytes)),
    index,
    u32(crc32(footer)),
    footer,
    Buffer.from('YZ'),
  ])
}

function withCrc(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, u32(crc32(bytes))])
}

function vli(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...vli(value >> 7)]
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
