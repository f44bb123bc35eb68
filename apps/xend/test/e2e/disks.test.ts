import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GuestShell } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, DebianMachine } from './debian-machine.ts'

const MIB = 1 << 20
let machine: DebianMachine
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'disks-'))
  machine = await DebianMachine.start(1)
})
afterEach(async () => {
  await machine.hypervisor.stop()
  await rm(folder, { recursive: true })
})

/** A guest with these disks, at its shell. */
async function boot(
  ...disks: readonly string[]
): Promise<{ guest: Awaited<ReturnType<typeof machine.boot>>; run: (command: string) => Promise<string> }> {
  const devices = disks.map((config) => ({ type: 'vbd', config }))
  const guest = await machine.boot('disks', { devices })
  await guest.untilShell()
  const shell = new GuestShell(guest.domain)
  const run = async (command: string): Promise<string> => {
    const { output, status } = await shell.run(command)
    if (status !== 0) throw new Error(`${command}: status ${status}: ${output}`)
    return output.replaceAll('\r', '').trim()
  }
  return { guest, run }
}

test(
  "Debian's kernel reads what is in a file, and writes to it",
  async () => {
    const image = join(folder, 'image')
    const before = randomBytes(8 * MIB)
    await writeFile(image, before)
    const { guest, run } = await boot(`file:${image},xvda,w`)
    expect(await run('cat /sys/block/xvda/size')).toBe(String((8 * MIB) / 512))
    expect(await run('dd if=/dev/xvda bs=64k 2>/dev/null | md5sum')).toMatch(md5(before))
    await run('dd if=/dev/urandom of=/tmp/new bs=1k count=3077 2>/dev/null')
    const sum = await run('md5sum </tmp/new')
    await run('dd if=/tmp/new of=/dev/xvda bs=1k seek=1023 conv=notrunc,fsync 2>/dev/null')
    const after = await readFile(image)
    expect(sum).toMatch(md5(after.subarray(1023 * 1024, 4100 * 1024)))
    expect(after.subarray(0, 1023 * 1024).equals(before.subarray(0, 1023 * 1024))).toBe(true)
    expect(after.subarray(4100 * 1024).equals(before.subarray(4100 * 1024))).toBe(true)
    guest.type('poweroff -f')
    await guest.domain.ended
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}
