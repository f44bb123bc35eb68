import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { compose } from '../../src/compose.ts'
import { COMPILER_FLAGS } from '../../src/start/hello-guest.ts'
import { BOOT_LIMIT_MS } from './debian-machine.ts'

const FOLDER = fileURLToPath(new URL('../../../../tools/guests/hypercalls/', import.meta.url))
const SOURCES = [
  'head.S',
  'main.c',
  'sweep.c',
  'events.c',
  'grants.c',
  'memory.c',
  'paging.c',
  'rest.c',
  'vcpus.c',
  'fifo.c',
]
const CHAPTERS = readFileSync(join(FOLDER, 'real-xen.txt'), 'utf8').trimEnd().split('\n')

/** Where we answer otherwise, on purpose: docs/deviations.md has the reasons. The line of the real Xen, and ours. */
const DIFFERENCES: readonly (readonly [real: string, ours: string])[] = [
  ['physdev_op 23 = -14, zeros 0', 'physdev_op 23 = -14, zeros -28'],
  ['xenoprof_op 0 = -14, zeros 0', 'xenoprof_op 0 = -1, zeros -1'],
  ['xenoprof_op 14 = -14, zeros 0', 'xenoprof_op 14 = -1, zeros -1'],
  ['decrease a mapped frame = 1', 'decrease a mapped frame = 0'],
  ['once more = 1', 'once more = 0'],
  ['get_free_pirq = 0', 'get_free_pirq = -28'],
  ['get_free_pirq of a GSI = 0', 'get_free_pirq of a GSI = -28'],
  ['get_free_pirq of an unknown type = 0', 'get_free_pirq of an unknown type = -28'],
  ['console_io write of nothing = -1', 'console_io write of nothing = 0'],
  ['console_io write unmapped = -1', 'console_io write unmapped = -14'],
  ['console_io write 2^31 = -1', 'console_io write 2^31 = -22'],
  ['console_io write = -1', 'console_io write = 0'],
]

/** The report of tools/guests/hypercalls, compiled and run. */
async function report(pcpus: number, regions: boolean): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-hypercalls-'))
  const bugs: string[] = []
  const hypervisor = await compose({ pcpus, vcpus: 3, warn: (line) => bugs.push(line) })
  try {
    const kernel = join(folder, 'hypercalls.elf')
    execFileSync(process.env.CC || 'cc', [...COMPILER_FLAGS, ...SOURCES, '-o', kernel], { cwd: FOLDER })
    const domain = await hypervisor.createDomain({
      name: 'hypercalls',
      kernel: { bytes: readFileSync(kernel), name: kernel },
      cmdline: '',
      memory: 64,
      vcpus: 3,
      regions,
    })
    let text = ''
    domain.console.onOutput((bytes) => {
      text += Buffer.from(bytes).toString('latin1')
    })
    domain.unpause()
    const { reason, detail } = await domain.ended
    expect([reason, detail, bugs]).toEqual(['poweroff', undefined, []])
    return text.replaceAll('\r', '').trimEnd().split('\n')
  } finally {
    await hypervisor.stop()
    rmSync(folder, { recursive: true })
  }
}

test.each([
  [1, true],
  [2, false],
])(
  'every call answers as a real Xen 4.17 does, on %i pCPUs, with regions %s',
  async (pcpus, regions) => {
    const ours = await report(pcpus, regions)
    expect(ours.length).toBe(CHAPTERS.length)
    const different = ours.flatMap((line, n) => (line === CHAPTERS[n] ? [] : [[CHAPTERS[n], line]]))
    expect(different).toEqual(DIFFERENCES)
  },
  BOOT_LIMIT_MS,
)
