/** The notes of a domain's dump (xen/docs/misc/dump-core-format.txt; public/elfnote.h XEN_ELFNOTE_DUMPCORE_*). */
import { type Struct, sizeof, struct } from '../abi/struct.ts'
import type { HypervisorVersion } from '../hypercall/hypercall-context.ts'
import { CAPABILITIES, HYPERVISOR_VIRT_START } from '../hypercall/ops/xen-version.ts'
import { PAGE_SIZE } from '../ring/shared-page.ts'

const NONE = 0x2000000
const HEADER = 0x2000001
const XEN_VERSION = 0x2000002
const FORMAT_VERSION = 0x2000003
const FORMAT = 1n
/** XC_CORE_MAGIC: of a paravirtual domain. */
const MAGIC = 0xf00febedn
const OWNER = 'Xen\0'
const NOTE_HEADER = 12

const header = { magic: 'u64', nr_vcpus: 'u64', nr_pages: 'u64', page_size: 'u64' } as const
const Header: Struct<typeof header> = struct('xen_dumpcore_elfnote_header_desc', header)

const version = {
  major_version: 'u64',
  minor_version: 'u64',
  extra_version: ['char', 16],
  compiler: ['char', 64],
  compile_by: ['char', 32],
  compile_domain: ['char', 32],
  compile_date: ['char', 32],
  capabilities: ['char', 1024],
  changeset: ['char', 64],
  virt_start: 'u64',
  pagesize: 'u64',
} as const
const Version: Struct<typeof version> = struct('xen_dumpcore_elfnote_xen_version_desc', version)

export interface NoteFacts {
  readonly vcpus: number
  readonly pages: number
  readonly version: HypervisorVersion
}

export function dumpNotes(facts: NoteFacts): Uint8Array {
  const format = new DataView(new ArrayBuffer(8))
  format.setBigUint64(0, FORMAT, true)
  const notes = [
    note(NONE, new Uint8Array()),
    note(HEADER, headerNote(facts)),
    note(XEN_VERSION, versionNote(facts.version)),
    note(FORMAT_VERSION, new Uint8Array(format.buffer)),
  ]
  const bytes = new Uint8Array(notes.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const one of notes) {
    bytes.set(one, at)
    at += one.length
  }
  return bytes
}

/** Descriptors are of whole words of eight bytes here, so that none needs to be filled up. */
function note(type: number, descriptor: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(NOTE_HEADER + OWNER.length + descriptor.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, OWNER.length, true)
  view.setUint32(4, descriptor.length, true)
  view.setUint32(8, type, true)
  bytes.set(new TextEncoder().encode(OWNER), NOTE_HEADER)
  bytes.set(descriptor, NOTE_HEADER + OWNER.length)
  return bytes
}

function headerNote({ vcpus, pages }: NoteFacts): Uint8Array {
  const view = new DataView(new ArrayBuffer(sizeof(Header)))
  Header.magic.set(view, 0, MAGIC)
  Header.nr_vcpus.setNumber(view, 0, vcpus)
  Header.nr_pages.setNumber(view, 0, pages)
  Header.page_size.setNumber(view, 0, PAGE_SIZE)
  return new Uint8Array(view.buffer)
}

function versionNote({ major, minor, extraVersion, changeset, ...compile }: HypervisorVersion): Uint8Array {
  const view = new DataView(new ArrayBuffer(sizeof(Version)))
  Version.major_version.setNumber(view, 0, major)
  Version.minor_version.setNumber(view, 0, minor)
  Version.extra_version.set(view, 0, extraVersion)
  Version.compiler.set(view, 0, compile.compiler)
  Version.compile_by.set(view, 0, compile.compileBy)
  Version.compile_domain.set(view, 0, compile.compileDomain)
  Version.compile_date.set(view, 0, compile.compileDate)
  Version.capabilities.set(view, 0, CAPABILITIES)
  Version.changeset.set(view, 0, changeset)
  Version.virt_start.set(view, 0, HYPERVISOR_VIRT_START)
  Version.pagesize.setNumber(view, 0, PAGE_SIZE)
  return new Uint8Array(view.buffer)
}
