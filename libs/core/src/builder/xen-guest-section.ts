import { asciiText } from './ascii-text.ts'
import type { XenNotes } from './elf-notes.ts'
import type { FileView } from './file-view.ts'

const PAGE_SHIFT = 12n
const MAX_SECTION_BYTES = 4096
/** A 64-bit number as the section writes it. */
const NUMBER = /^(0x[0-9a-f]{1,16}|[0-9]{1,19})$/i

/**
 * The string section `__xen_guest` of kernels from before the notes, e.g.
 * `GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x2,LOADER=generic`. HYPERCALL_PAGE is a page
 * number counted from VIRT_BASE. Unknown keys are ignored.
 */
export function parseXenGuest(section: Uint8Array, file: FileView): XenNotes {
  const text = asciiText(section, MAX_SECTION_BYTES)
  const values = new Map<string, string>()
  for (const pair of text.split(',')) {
    const equals = pair.indexOf('=')
    values.set(equals < 0 ? pair : pair.slice(0, equals), equals < 0 ? '' : pair.slice(equals + 1))
  }
  const number = (key: string): bigint | undefined => {
    const value = values.get(key)
    if (value === undefined) return undefined
    if (!NUMBER.test(value)) file.fail(`${key} in its __xen_guest section is no number`)
    return BigInt.asUintN(64, BigInt(value))
  }
  const virtBase = number('VIRT_BASE')
  const hypercallPage = number('HYPERCALL_PAGE')
  return {
    entry: number('VIRT_ENTRY'),
    virtBase,
    hypercallPage: hypercallPage === undefined ? undefined : (virtBase ?? 0n) + (hypercallPage << PAGE_SHIFT),
    paddrOffset: number('ELF_PADDR_OFFSET'),
    xenVersion: values.get('XEN_VER'),
    guestOs: values.get('GUEST_OS'),
    guestVersion: values.get('GUEST_VER'),
    loader: values.get('LOADER'),
    features: values.get('FEATURES'),
    bsdSymtab: values.has('BSD_SYMTAB') ? 'yes' : undefined,
  }
}
