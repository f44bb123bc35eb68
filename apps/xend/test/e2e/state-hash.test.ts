import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { firstDifference, hashedRun, INTERVAL } from './state-hashes.ts'

/** Of the comparison of a tier with itself; page tables, alternatives and interrupt set-up. */
const UNTIL = 300_000_000n
const TIMEOUT_MS = 300_000
/** Reads and writes of several sizes at once, with flushes between. */
const DISK_WORK =
  'for n in 1 2 3 4; do dd if=/dev/xvda bs=$((n*4))k skip=$n count=100 2>/dev/null | md5sum & done; wait; for n in 1 2 3; do dd if=/dev/zero of=/dev/xvda bs=64k seek=$((n*16)) count=9 conv=notrunc,fsync 2>/dev/null & done; wait; md5sum </dev/xvda; echo the disk is done with'

test(
  'under the virtual clock a boot from its first instruction to power off is the same in the cold tier and with regions',
  async () => {
    const cold = await hashedRun({ regions: false })
    expect(cold.reason).toBe('poweroff')
    expect(cold.hashes.length).toBeGreaterThan(100)
    expect(new Set(cold.hashes.map((hash) => hash.split(':')[1])).size).toBe(cold.hashes.length)
    const regions = await hashedRun({ regions: true })
    expect(firstDifference(cold, regions)).toBeUndefined()
    expect(regions.shown).toBe(cold.shown)
    expect(regions.reason).toBe('poweroff')
  },
  TIMEOUT_MS,
)

test(
  'and twice the same in the cold tier',
  async () => {
    const [once, again] = await Promise.all([1, 2].map(() => hashedRun({ regions: false, until: UNTIL })))
    expect(once!.hashes).toHaveLength(Number(UNTIL / INTERVAL))
    expect(firstDifference(once!, again!)).toBeUndefined()
  },
  TIMEOUT_MS,
)

test(
  'and twice the same with a disk, whose requests end when the host has done them',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hashed-'))
    try {
      const run = async (name: string) => {
        const path = join(folder, name)
        await writeFile(path, Buffer.alloc(8 << 20, 'Paravane '))
        return hashedRun({ regions: true, also: DISK_WORK, devices: [{ type: 'vbd', config: `file:${path},xvda,w` }] })
      }
      const [once, again] = await Promise.all([run('one'), run('two')])
      expect(once!.reason).toBe('poweroff')
      expect(once!.shown).toContain('the disk is done with')
      expect(firstDifference(once!, again!)).toBeUndefined()
      expect(again!.shown).toBe(once!.shown)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  TIMEOUT_MS,
)
