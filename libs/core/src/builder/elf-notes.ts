import {
  XEN_ELFNOTE_BSD_SYMTAB,
  XEN_ELFNOTE_ENTRY,
  XEN_ELFNOTE_FEATURES,
  XEN_ELFNOTE_GUEST_OS,
  XEN_ELFNOTE_GUEST_VERSION,
  XEN_ELFNOTE_HV_START_LOW,
  XEN_ELFNOTE_HYPERCALL_PAGE,
  XEN_ELFNOTE_INIT_P2M,
  XEN_ELFNOTE_LOADER,
  XEN_ELFNOTE_MOD_START_PFN,
  XEN_ELFNOTE_PADDR_OFFSET,
  XEN_ELFNOTE_PHYS32_ENTRY,
  XEN_ELFNOTE_SUPPORTED_FEATURES,
  XEN_ELFNOTE_SUSPEND_CANCEL,
  XEN_ELFNOTE_VIRT_BASE,
  XEN_ELFNOTE_XEN_VERSION,
} from '../abi/elfnote.ts'
import { asciiText } from './ascii-text.ts'
import { type ElfFile, PT_NOTE, SHT_NOTE } from './elf.ts'
import type { FileView } from './file-view.ts'
import { parseXenGuest } from './xen-guest-section.ts'

/** What a kernel says of itself, not yet judged. Virtual addresses and bitmaps are 64 bits wide. */
export interface XenNotes {
  entry?: bigint
  hypercallPage?: bigint
  virtBase?: bigint
  paddrOffset?: bigint
  initP2m?: bigint
  hvStartLow?: bigint
  modStartPfn?: bigint
  suspendCancel?: bigint
  supportedFeatures?: bigint
  phys32Entry?: bigint
  xenVersion?: string
  guestOs?: string
  guestVersion?: string
  loader?: string
  features?: string
  bsdSymtab?: string
}

type KeysOf<T> = { [K in keyof XenNotes]-?: XenNotes[K] extends T | undefined ? K : never }[keyof XenNotes]

/** The notes we act on (`xen/elfnote.h`), by the kind of their descriptor. Others are ignored, as libxl ignores them. */
const NUMBER_NOTES: Readonly<Record<number, KeysOf<bigint>>> = {
  [XEN_ELFNOTE_ENTRY]: 'entry',
  [XEN_ELFNOTE_HYPERCALL_PAGE]: 'hypercallPage',
  [XEN_ELFNOTE_VIRT_BASE]: 'virtBase',
  [XEN_ELFNOTE_PADDR_OFFSET]: 'paddrOffset',
  [XEN_ELFNOTE_INIT_P2M]: 'initP2m',
  [XEN_ELFNOTE_HV_START_LOW]: 'hvStartLow',
  [XEN_ELFNOTE_MOD_START_PFN]: 'modStartPfn',
  [XEN_ELFNOTE_SUSPEND_CANCEL]: 'suspendCancel',
  [XEN_ELFNOTE_SUPPORTED_FEATURES]: 'supportedFeatures',
  [XEN_ELFNOTE_PHYS32_ENTRY]: 'phys32Entry',
}
const TEXT_NOTES: Readonly<Record<number, KeysOf<string>>> = {
  [XEN_ELFNOTE_XEN_VERSION]: 'xenVersion',
  [XEN_ELFNOTE_GUEST_OS]: 'guestOs',
  [XEN_ELFNOTE_GUEST_VERSION]: 'guestVersion',
  [XEN_ELFNOTE_LOADER]: 'loader',
  [XEN_ELFNOTE_FEATURES]: 'features',
  [XEN_ELFNOTE_BSD_SYMTAB]: 'bsdSymtab',
}

/** Longer strings are cut. */
const MAX_TEXT_BYTES = 256

/** Where the notes were found; it decides the default of PADDR_OFFSET. */
export type NoteSource = 'notes' | '__xen_guest'

/**
 * Xen's notes of a kernel: from PT_NOTE segments, else from SHT_NOTE sections, else from the string section `__xen_guest`.
 * Undefined when there is none. A note that comes twice counts with its last value.
 */
export function readXenNotes(elf: ElfFile, file: FileView): { notes: XenNotes; source: NoteSource } | undefined {
  const fromSegments = parseAll(
    elf.segments.filter(({ type }) => type === PT_NOTE).map(({ bytes }) => bytes),
    file,
  )
  if (fromSegments !== undefined) return { notes: fromSegments, source: 'notes' }
  const sections = elf.sections()
  const fromSections = parseAll(
    sections.filter(({ type }) => type === SHT_NOTE).map(({ bytes }) => bytes),
    file,
  )
  if (fromSections !== undefined) return { notes: fromSections, source: 'notes' }
  const legacy = sections.find(({ name }) => name === '__xen_guest')
  if (legacy === undefined) return undefined
  return { notes: parseXenGuest(legacy.bytes, file), source: '__xen_guest' }
}

function parseAll(blobs: Uint8Array[], file: FileView): XenNotes | undefined {
  const notes: XenNotes = {}
  let found = false
  for (const blob of blobs) found = parseNotes(blob, file, notes) || found
  return found ? notes : undefined
}

/** Adds the notes in `blob` to `notes`; true when at least one was Xen's. */
function parseNotes(blob: Uint8Array, file: FileView, notes: XenNotes): boolean {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  let found = false
  for (let at = 0; at + 12 <= blob.length; ) {
    const nameBytes = view.getUint32(at, true)
    const descBytes = view.getUint32(at + 4, true)
    const type = view.getUint32(at + 8, true)
    const descAt = at + 12 + align4(nameBytes)
    if (descAt + descBytes > blob.length) file.fail('a note is longer than its section')
    const isXen = nameBytes === 4 && asciiText(blob.subarray(at + 12, at + 16), 4) === 'Xen'
    if (isXen) setNote(notes, type, blob.subarray(descAt, descAt + descBytes), file)
    found ||= isXen
    at = descAt + align4(descBytes)
  }
  return found
}

function setNote(notes: XenNotes, type: number, desc: Uint8Array, file: FileView): void {
  const numberKey = NUMBER_NOTES[type]
  const textKey = TEXT_NOTES[type]
  if (numberKey !== undefined) {
    const view = new DataView(desc.buffer, desc.byteOffset, desc.byteLength)
    if (desc.length === 8) notes[numberKey] = view.getBigUint64(0, true)
    else if (desc.length === 4) notes[numberKey] = BigInt(view.getUint32(0, true))
    else file.fail(`its Xen note ${type} has ${desc.length} bytes instead of 4 or 8`)
  } else if (textKey !== undefined) {
    notes[textKey] = asciiText(desc, MAX_TEXT_BYTES)
  }
}

function align4(length: number): number {
  return Math.ceil(length / 4) * 4
}
