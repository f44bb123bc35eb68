import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GuestShell, type RunningDomain } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, DebianMachine } from './debian-machine.ts'

const MIB = 1 << 20
const XVDA = 51712
const XVDB = 51728

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

interface Guest {
  readonly domain: RunningDomain
  /** A command's output. @throws Error if it fails */
  readonly run: (command: string) => Promise<string>
}

/** A guest with these disks, at its shell. */
async function boot(name: string, ...disks: readonly string[]): Promise<Guest> {
  const { domain, untilShell } = await machine.boot(name, { devices: disks.map(vbd) }).then((guest) => ({
    domain: guest.domain,
    untilShell: () => guest.untilShell(),
  }))
  await untilShell()
  const shell = new GuestShell(domain)
  const run = async (command: string): Promise<string> => {
    const { output, status } = await shell.run(command)
    if (status !== 0) throw new Error(`${command}: status ${status}: ${output}`)
    return output.replaceAll('\r', '').trim()
  }
  return { domain, run }
}

const vbd = (config: unknown): { type: string; config: unknown } => ({ type: 'vbd', config })

async function image(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')
const sumOf = (vdev: string): string => `dd if=/dev/${vdev} bs=64k 2>/dev/null | md5sum`

test(
  "Debian's kernel reads what is in a file, and writes to it",
  async () => {
    const before = randomBytes(8 * MIB)
    const path = await image('image', before)
    const { domain, run } = await boot('writer', `file:${path},xvda,w`)
    expect(await run('cat /sys/block/xvda/size')).toBe(String((8 * MIB) / 512))
    expect(await run(sumOf('xvda'))).toContain(md5(before))
    await run('dd if=/dev/urandom of=/tmp/new bs=1k count=3077 2>/dev/null')
    const sum = await run('md5sum </tmp/new')
    await run('dd if=/tmp/new of=/dev/xvda bs=1k seek=1023 conv=notrunc,fsync 2>/dev/null')
    const after = await readFile(path)
    expect(sum).toContain(md5(after.subarray(1023 * 1024, 4100 * 1024)))
    expect(after.subarray(0, 1023 * 1024).equals(before.subarray(0, 1023 * 1024))).toBe(true)
    expect(after.subarray(4100 * 1024).equals(before.subarray(4100 * 1024))).toBe(true)
    expect(domain.devices()[0]?.facts).toMatchObject({ failures: 0, persistentGrants: expect.any(Number) })
    // Another domain is not given it while this one has it.
    await expect(machine.boot('thief', { devices: [vbd(`file:${path},xvda,w`)] })).rejects.toThrow(
      `file:${path}: domain writer has it as xvda`,
    )
    domain.shutdown('poweroff')
    await domain.ended
    expect(machine.warnings).toEqual([])
    expect(machine.hypervisor.xenstore.ls('/local/domain/0/backend/vbd')).toEqual([])
  },
  BOOT_LIMIT_MS,
)

test(
  'disks come, grow, move to other storage under a guest that writes, and go',
  async () => {
    const { domain, run } = await boot('mover')
    const path = await image('first', Buffer.alloc(16 * MIB))
    await domain.attachDevice(vbd(`file:${path},xvda,w`))
    await run('until [ -e /dev/xvda ]; do sleep 0.1; done')
    await expect(domain.attachDevice(vbd(`file:${path},xvda,w`))).rejects.toThrow('Device xvda (51712, vbd) is already')

    await truncate(path, 24 * MIB)
    await run(`until [ $(cat /sys/block/xvda/size) = ${(24 * MIB) / 512} ]; do sleep 0.1; done`)
    await run('dd if=/dev/urandom of=/tmp/last bs=1M count=1 2>/dev/null')
    await run('dd if=/tmp/last of=/dev/xvda bs=1M seek=23 conv=notrunc,fsync 2>/dev/null')

    const second = await image('second', Buffer.alloc(0))
    await truncate(second, 24 * MIB)
    const writing = run(
      'for n in $(seq 20); do for at in 1 5 9 13 17 21; do dd if=/tmp/last of=/dev/xvda bs=1M seek=$at conv=notrunc,fsync 2>/dev/null || exit 1; done; done; sync; md5sum </tmp/last',
    )
    await domain.reconfigureDevice('vbd', XVDA, { storage: `file:${second}`, vdev: 'xvda', mode: 'w', copy: true })
    const sum = await writing
    expect(domain.devices()[0]?.facts).toMatchObject({ storage: `file:${second}`, failures: 0 })
    const moved = await readFile(second)
    for (const at of [1, 5, 9, 13, 17, 21, 23]) expect(sum).toContain(md5(moved.subarray(at * MIB, (at + 1) * MIB)))
    // The first is nobody's any more.
    await (await open(path, 'r+')).close()
    await domain.attachDevice(vbd(`file:${path},xvdb,r`))
    await run('until [ -e /dev/xvdb ]; do sleep 0.1; done')
    expect(await run('cat /sys/block/xvdb/ro')).toBe('1')

    await domain.detachDevice('vbd', XVDA)
    await domain.detachDevice('vbd', XVDB)
    await run('while [ -e /dev/xvda -o -e /dev/xvdb ]; do sleep 0.1; done')
    expect(domain.devices()).toEqual([])
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)

test(
  'a CD-ROM is put into the tray, changed and taken out',
  async () => {
    const discs = [randomBytes(2 * MIB), randomBytes(3 * MIB)]
    const paths = await Promise.all(discs.map((bytes, n) => image(`disc${n}`, bytes)))
    const { domain, run } = await boot('player', ',xvdc:cdrom,r')
    const sectors = (count: number): string => `until [ $(cat /sys/block/xvdc/size) = ${count} ]; do sleep 0.1; done`
    await run(sectors(0))
    for (const [n, path] of paths.entries()) {
      const [bytes] = [discs[n] as Buffer]
      await domain.reconfigureDevice('vbd', 51744, `file:${path},xvdc:cdrom,r`)
      await run(sectors(bytes.length / 512))
      expect(await run(sumOf('xvdc'))).toContain(md5(bytes))
    }
    await domain.reconfigureDevice('vbd', 51744, ',xvdc:cdrom,r')
    await run(sectors(0))
    await expect(run('dd if=/dev/xvdc of=/dev/null bs=4k count=1 iflag=fullblock && exit 0')).resolves.toMatch(/^0\+0/)
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)

test(
  'storage that fails gives the guest errors and the operator a line, and works again when it is back',
  async () => {
    const path = await image('image', randomBytes(4 * MIB))
    const { run } = await boot('patient', `file:${path},xvda,w`)
    await rename(path, `${path}.away`)
    await expect
      .poll(() => run('dd if=/dev/zero of=/dev/xvda bs=4k count=1 conv=notrunc,fsync; echo $?'), {
        timeout: 10_000,
      })
      .toMatch(/1$/)
    const [line = '', ...more] = machine.warnings
    const fault = `${path}: it was removed or renamed; put it back; the guest gets an input/output error`
    // A flush looks itself, a write knows by the look of each second.
    expect(line.replace(/a (flush|write) failed/, 'it failed')).toBe(`patient: vbd ${XVDA}: it failed: ${fault}`)
    const flushed = `patient: vbd ${XVDA}: its guest may flush no more after that: each write is flushed from now on, until the disk is attached anew`
    expect(more).toEqual(line.includes('a flush failed') ? [flushed] : [])
    await rename(`${path}.away`, path)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    await run('dd if=/dev/zero of=/dev/xvda bs=4k count=1 conv=notrunc,fsync')
    expect(machine.warnings.at(-1)).toMatch(/^patient: vbd 51712: it works again/)
  },
  BOOT_LIMIT_MS,
)

test(
  'what is read from a disk onto a page of hot code is the code that runs',
  async () => {
    const program = join(folder, 'hot-code')
    const source = fileURLToPath(new URL('hot-code.c', import.meta.url))
    execFileSync('cc', ['-O1', '-static', '-o', program, source])
    const path = await image(
      'program',
      await readFile(program).then((bytes) => Buffer.concat([bytes, Buffer.alloc(512)])),
    )
    const functions = Buffer.alloc(8 * 4096)
    for (let block = 0; block < 8; block++) {
      // mov $100 + block, %eax; ret
      functions.set([0xb8, 100 + block, 0, 0, 0, 0xc3], block * 4096)
    }
    const code = `file:${await image('code', functions)},xvdb,r`
    const { domain, run } = await boot('coder', `file:${path},xvda,r`, code)
    await run('dd if=/dev/xvda of=/tmp/hot-code bs=64k 2>/dev/null && chmod +x /tmp/hot-code')
    // By pages that the front end copies, and by the program's own.
    expect(await run('/tmp/hot-code /dev/xvdb')).toBe('the new code ran each time')
    await run('echo N >/sys/module/xen_blkfront/parameters/feature_persistent')
    await domain.detachDevice('vbd', XVDB)
    await run('while [ -e /dev/xvdb ]; do sleep 0.1; done')
    await domain.attachDevice(vbd(code))
    await run('until [ -e /dev/xvdb ]; do sleep 0.1; done')
    expect(await run('/tmp/hot-code /dev/xvdb')).toBe('the new code ran each time')
    expect(domain.devices()[1]?.facts).toMatchObject({ vdev: 'xvdb', persistentGrants: 0, reads: expect.any(Number) })
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)
