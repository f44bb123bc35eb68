/** Dumps as binutils and libxenctrl's readers take them: sections by name, notes, pages by p2m. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { vcpu_guest_context } from '../../src/abi/arch-x86/xen-x86-64.ts'
import { sizeof } from '../../src/abi/struct.ts'
import type { CoreDump } from '../../src/core-dump/core-dump.ts'
import { running, type ScriptedHypervisor, startScripted } from '../host/scripted-hypervisor.ts'

let machine: ScriptedHypervisor
let folder: string
beforeEach(async () => {
  machine = await startScripted()
  folder = mkdtempSync(join(tmpdir(), 'core-dump-'))
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  await machine.hypervisor.stop()
})

function fileOf({ size, pieces }: CoreDump): Buffer {
  const file = Buffer.alloc(size)
  for (const { offset, bytes } of pieces()) file.set(bytes, offset)
  return file
}

/** As readelf lists them: offset and size by name. */
function sectionsOf(path: string): Map<string, { offset: number; size: number }> {
  const text = execFileSync('readelf', ['-SW', path]).toString()
  const rows = [...text.matchAll(/\] (\.\S+) +\w+ +0{16} ([0-9a-f]+) ([0-9a-f]+)/g)]
  return new Map(
    rows.map(([, name, offset, size]) => [
      name as string,
      { offset: Number.parseInt(offset as string, 16), size: Number.parseInt(size as string, 16) },
    ]),
  )
}

interface Note {
  readonly owner: string
  readonly type: number
  readonly words: readonly bigint[]
}

function notesOf(bytes: Buffer): Note[] {
  const notes: Note[] = []
  for (let at = 0; at < bytes.length; ) {
    const [ownerBytes, size] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    const owner = bytes.toString('latin1', at + 12, at + 12 + ownerBytes)
    const from = at + 12 + ownerBytes
    const words = Array.from({ length: size / 8 }, (_, n) => bytes.readBigUInt64LE(from + n * 8))
    notes.push({ owner, type: bytes.readUInt32LE(at + 8), words })
    at = from + size
  }
  return notes
}

test('a paused domain: its pages in the order of pfns, contexts of all vCPUs, notes', async () => {
  const domain = await machine.hypervisor.createDomain(running('echo', { vcpus: 2 }))
  domain.unpause()
  domain.console.write(Buffer.from('seen'))
  await new Promise<void>((resolve) => {
    let heard = ''
    domain.console.onOutput((bytes) => {
      heard += Buffer.from(bytes).toString()
      if (heard === 'SEEN') resolve()
    })
  })
  domain.pause()
  const dump = await domain.coreDump()
  const file = fileOf(dump)
  const path = join(folder, 'core')
  writeFileSync(path, file)
  const sections = sectionsOf(path)
  const contents = (name: string): Buffer => {
    const { offset, size } = sections.get(name) as { offset: number; size: number }
    return file.subarray(offset, offset + size)
  }
  expect([...sections.keys()]).toEqual([
    '.shstrtab',
    '.note.Xen',
    '.xen_prstatus',
    '.xen_shared_info',
    '.xen_p2m',
    '.xen_pages',
  ])
  const p2m = new BigUint64Array(new Uint8Array(contents('.xen_p2m')).buffer)
  expect([p2m[0], p2m[2]]).toEqual([1n, 2n])
  const [store, console] = [contents('.xen_pages').subarray(0, 4096), contents('.xen_pages').subarray(4096)]
  expect(console.includes('SEEN')).toBe(true)
  expect(store.includes('SEEN')).toBe(false)
  const prstatus = new DataView(new Uint8Array(contents('.xen_prstatus')).buffer)
  const rip = (vcpu: number) => vcpu_guest_context.user_regs.rip.get(prstatus, vcpu * sizeof(vcpu_guest_context))
  expect([prstatus.byteLength, rip(0), rip(1)]).toEqual([2 * sizeof(vcpu_guest_context), 0x1000n, 0x1001n])
  const notes = notesOf(contents('.note.Xen'))
  expect(notes.map(({ owner, type }) => `${owner} ${type.toString(16)}`)).toEqual([
    'Xen\0 2000000',
    'Xen\0 2000001',
    'Xen\0 2000002',
    'Xen\0 2000003',
  ])
  // Magic, vCPUs, pages, bytes of a page; major and minor version; version of the format.
  expect(notes[1]!.words).toEqual([0xf00febedn, 2n, 2n, 4096n])
  expect(notes[2]!.words.slice(0, 2)).toEqual([4n, 17n])
  expect(notes[3]!.words).toEqual([1n])
})

test('of a domain that has crashed and is preserved there is a dump, of one that is gone there is none', async () => {
  const domain = await machine.hypervisor.createDomain(running('panic', { preserve: true }))
  domain.unpause()
  await domain.ended
  const dump = await domain.coreDump()
  const pieces = dump.pieces()[Symbol.iterator]()
  expect(pieces.next().value).toMatchObject({ offset: 0 })
  await domain.destroy()
  expect(() => pieces.next()).toThrow('domain panic has ended')
  await expect(domain.coreDump()).rejects.toThrow('domain panic has ended')
})
