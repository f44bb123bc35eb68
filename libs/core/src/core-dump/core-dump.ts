/** A domain's memory and vCPUs as a file for debuggers (xen/docs/misc/dump-core-format.txt). */
import { vcpu_guest_context } from '../abi/arch-x86/xen-x86-64.ts'
import { sizeof } from '../abi/struct.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import { XEN_4_17 } from '../hypercall/ops/xen-version.ts'
import type { EngineDomain } from '../plugin/cpu-engine.ts'
import { PAGE_SIZE } from '../ring/shared-page.ts'
import { dumpNotes } from './dump-notes.ts'
import { type Section, sectionFile } from './elf-sections.ts'

const P2M_ENTRY = 16
const PAGES_AT_ONCE = 256

/** Bytes to be written at a place of the file. */
export interface DumpPiece {
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface CoreDump {
  /** Of the file. What no piece covers is zero. */
  readonly size: number
  /** Read from the domain while they are taken; a page it has given up meanwhile is zero. */
  pieces(): Iterable<DumpPiece>
}

/** @param domain no pCPU runs it, or the dump is a blurred picture */
export function coreDump(domain: EngineDomain): CoreDump {
  const pages = [...domain.pages()].toSorted(([a], [b]) => a - b)
  const { nrVcpus } = domain.state
  const notes = dumpNotes({ vcpus: nrVcpus, pages: pages.length, version: XEN_4_17 })
  const contextSize = sizeof(vcpu_guest_context)
  const contents: readonly [section: Section, bytes: (() => Uint8Array) | undefined][] = [
    [{ name: '.note.Xen', type: 'note', size: notes.length, align: 8, entry: 0 }, () => notes],
    [progbits('.xen_prstatus', nrVcpus, contextSize, 8), () => contexts(domain)],
    [progbits('.xen_shared_info', 1, PAGE_SIZE, PAGE_SIZE), () => sharedInfo(domain)],
    [progbits('.xen_p2m', pages.length, P2M_ENTRY, 8), () => p2m(pages)],
    [progbits('.xen_pages', pages.length, PAGE_SIZE, PAGE_SIZE), undefined],
  ]
  const { head, sections, size } = sectionFile(contents.map(([section]) => section))
  return {
    size,
    *pieces() {
      yield { offset: 0, bytes: head }
      for (const [n, [, bytes]] of contents.entries()) {
        const { offset } = sections[n] as { offset: number }
        if (bytes === undefined) yield* pagePieces(domain, pages, offset)
        else yield { offset, bytes: bytes() }
      }
    },
  }
}

const progbits = (name: string, count: number, entry: number, align: number): Section => ({
  name,
  type: 'progbits',
  size: count * entry,
  align,
  entry,
})

function contexts(domain: EngineDomain): Uint8Array {
  const size = sizeof(vcpu_guest_context)
  const bytes = new Uint8Array(domain.state.nrVcpus * size)
  for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) {
    domain.readContext(vcpu, new DataView(bytes.buffer, vcpu * size, size))
  }
  return bytes
}

function sharedInfo({ memory, state }: EngineDomain): Uint8Array {
  const at = memory.frameOffset(DOMAIN.sharedInfoFrame.load(state.memory, 0))
  return memory.bytes.slice(at, at + PAGE_SIZE)
}

function p2m(pages: readonly (readonly [number, number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(pages.length * P2M_ENTRY))
  for (const [n, [pfn, gmfn]] of pages.entries()) {
    view.setBigUint64(n * P2M_ENTRY, BigInt(pfn), true)
    view.setBigUint64(n * P2M_ENTRY + 8, BigInt(gmfn), true)
  }
  return new Uint8Array(view.buffer)
}

/** Copies, of those that are not zero. */
function* pagePieces(
  domain: EngineDomain,
  pages: readonly (readonly [number, number])[],
  offset: number,
): Generator<DumpPiece> {
  const { memory } = domain
  const taken = new Uint8Array(PAGES_AT_ONCE * PAGE_SIZE)
  for (let first = 0; first < pages.length; first += PAGES_AT_ONCE) {
    const some = pages.slice(first, first + PAGES_AT_ONCE)
    let empty = true
    for (const [n, [, gmfn]] of some.entries()) {
      const at = memory.frameOffset(gmfn)
      const page = at === 0 ? undefined : memory.bytes.subarray(at, at + PAGE_SIZE)
      if (page === undefined) taken.fill(0, n * PAGE_SIZE, (n + 1) * PAGE_SIZE)
      else taken.set(page, n * PAGE_SIZE)
      empty &&= page === undefined || isZero(memory.words, at)
    }
    if (!empty) yield { offset: offset + first * PAGE_SIZE, bytes: taken.slice(0, some.length * PAGE_SIZE) }
  }
}

function isZero(words: Int32Array, offset: number): boolean {
  return words.subarray(offset / 4, (offset + PAGE_SIZE) / 4).every((word) => word === 0)
}
