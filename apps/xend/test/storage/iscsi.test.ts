import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Disk } from '@paravane/core'
import { type StorageFixture, storageSuite } from '@paravane/core/conformance'
import { iscsiDriver } from '@paravane/dev-blk'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { daemons } from './daemons.ts'
import { IscsiTarget } from './iscsi-target.ts'
import { Place, pattern, readBack } from './place.ts'

const MIB = 1 << 20
let place: Place
let made = 0
const targets: IscsiTarget[] = []
beforeAll(async () => {
  place = await Place.make(['qemu-storage-daemon', 'tgtd'])
})
afterEach(async () => {
  await place.closeDisks()
  for (const target of targets.splice(0)) await target.kill()
})
afterAll(() => place.close())

async function target(size: number, chap?: readonly [string, string]): Promise<IscsiTarget> {
  const started = await IscsiTarget.start(place, `disk${++made}`, size, chap)
  targets.push(started)
  return started
}

const driver = () => iscsiDriver(place.programs)
const nameOf = ({ iqn, portal }: IscsiTarget, more = ',lun=1') => `iqn=${iqn},portal=${portal}${more}`

describe('the conformance suite:', () => {
  const make = async (size: number): Promise<StorageFixture> => {
    const started = await target(size)
    return {
      driver: driver(),
      target: nameOf(started),
      alias: `//${started.portal}/${started.iqn}/1`,
      missing: nameOf(started, ',lun=7'),
      remove: () => started.kill(),
    }
  }
  for (const { name, run } of storageSuite({ make })) test(name, run)
})

test('the password goes by a file, and stands in no command line', async () => {
  const started = await target(MIB, ['me', 'open sesame 12'])
  const file = place.path('chap')
  writeFileSync(file, 'me:open sesame 12\n', { mode: 0o600 })
  const disk = await place.open(driver(), nameOf(started, `,lun=1,chap=${file}`))
  await disk.write(0, [pattern(4096)])
  expect(Buffer.compare(await readBack(disk, 0, 4096), pattern(4096))).toBe(0)
  const lines = readdirSync('/proc')
    .filter((pid) => /^[0-9]+$/.test(pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
  expect(lines.some((line) => line.includes(started.iqn))).toBe(true)
  expect(lines.filter((line) => line.includes('open sesame'))).toEqual([])
})

test('a log in that goes wrong is told with the way out', async () => {
  const started = await target(MIB, ['me', 'open sesame 12'])
  const file = place.path('wrong')
  const name = nameOf(started, `,lun=1,chap=${file}`)
  await expect(place.open(driver(), name)).rejects.toThrow(`there is no file ${file}: write USER:PASSWORD into it`)
  writeFileSync(file, 'me')
  chmodSync(file, 0o644)
  await expect(place.open(driver(), name)).rejects.toThrow(`others may read the password in ${file}: chmod 600 it`)
  chmodSync(file, 0o600)
  await expect(place.open(driver(), name)).rejects.toThrow(`${file} does not have one line USER:PASSWORD`)
  writeFileSync(file, 'me:another password\n')
  await expect(place.open(driver(), name)).rejects.toThrow(
    `iscsi:${name}: the target refuses the log in: look at user and password in the file of chap=`,
  )
  const { iqn, portal } = started
  const other = `iqn=${iqn}x,portal=${portal},lun=1`
  await expect(place.open(driver(), other)).rejects.toThrow('the portal has no target of this name')
  await started.kill()
  await expect(place.open(driver(), nameOf(started))).rejects.toThrow('the target does not answer')
})

test('what was flushed is there when the target was killed and is back', async () => {
  const started = await target(4 * MIB)
  const disk = await place.open(driver(), nameOf(started))
  await disk.write(0, [pattern(MIB)])
  await disk.flush()
  await started.kill()
  const read = readBack(disk, 0, MIB)
  await new Promise((resolve) => setTimeout(resolve, 500))
  await started.start()
  expect(Buffer.compare(await read, pattern(MIB))).toBe(0)
})

test('the hypervisor is killed while the target is gone: the daemon ends nevertheless', async () => {
  const started = await target(MIB)
  const program = fileURLToPath(new URL('./killed-user.ts', import.meta.url))
  const args = ['--conditions=@paravane/source', program, `iscsi:${nameOf(started)}`, place.programs.folder!]
  const user = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(user.stdout, 'data')
  expect(daemons(started.iqn)).toHaveLength(1)
  await started.kill()
  user.kill('SIGKILL')
  await expect.poll(() => daemons(started.iqn), { timeout: 5000 }).toEqual([])
})

describe('a target that lost what was not flushed, and is back before anyone gave it up,', () => {
  /** Writes at 0, flushes; writes at 8192; then the power of the target's machine is cut. */
  const cut = async (shared: boolean): Promise<Disk> => {
    const started = await target(MIB)
    const disk = await driver().open({ target: nameOf(started), readonly: false, shared })
    onTestFinished(() => disk.close())
    await disk.write(0, [pattern(4096)])
    await disk.flush()
    const durable = readFileSync(started.image)
    await disk.write(8192, [pattern(4096, 2)])
    await started.kill()
    writeFileSync(started.image, durable)
    await started.start()
    return disk
  }

  test('is given it again before the next flush is answered', async () => {
    const disk = await cut(false)
    await disk.flush()
    expect(Buffer.compare(await readBack(disk, 0, 4096), pattern(4096))).toBe(0)
    expect(Buffer.compare(await readBack(disk, 8192, 4096), pattern(4096, 2))).toBe(0)
  })

  test('and is written by others, too: the next flush fails, once', async () => {
    const disk = await cut(true)
    await expect(disk.flush()).rejects.toThrow('writes since the last flush may be lost')
    await disk.flush()
  })
})
