/** The conformance suite of storage over the schemes that need programs of others. */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type StorageFixture, storageSuite } from '@paravane/core/conformance'
import { nbdDriver, TAP_FORMATS, tapDriver } from '@paravane/dev-blk'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { NbdExport } from './nbd-export.ts'
import { Place } from './place.ts'

let place: Place
beforeAll(async () => {
  place = await Place.make(['qemu-storage-daemon'])
})
afterAll(() => place.close())

async function tapFixture(format: string, size: number): Promise<StorageFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'storage-suite-'))
  const [target, alias] = [join(folder, 'image'), join(folder, 'link')]
  // As qemu-img rounds what a VHD's old geometry can say, unless it is told not to.
  const options = format === 'vhd' ? ['-o', 'force_size=on'] : []
  await place.run('qemu-img', 'create', '-q', '-f', TAP_FORMATS[format]!, ...options, target, String(size))
  await symlink(target, alias)
  return {
    driver: tapDriver(`tap:${format}`, TAP_FORMATS[format]!, place.programs),
    target,
    alias,
    missing: join(folder, 'nothing'),
    remove: () => rm(folder, { recursive: true }),
  }
}

async function nbdFixture(size: number): Promise<StorageFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'storage-suite-'))
  const [image, alias] = [join(folder, 'image'), join(folder, 'link')]
  await place.run('qemu-img', 'create', '-q', '-f', 'raw', image, String(size))
  const server = await NbdExport.start(place, image, join(folder, 'socket'))
  await symlink(server.socket, alias)
  return {
    driver: nbdDriver('nbd'),
    target: server.target,
    alias: `unix:${alias}:exportname=disk`,
    missing: `unix:${server.socket}:exportname=other`,
    async remove() {
      await server.end()
      await rm(folder, { recursive: true })
    },
  }
}

const SUBJECTS: readonly (readonly [scheme: string, make: (size: number) => Promise<StorageFixture>])[] = [
  ...['qcow2', 'vhd', 'vmdk'].map((format) => [`tap:${format}`, (size: number) => tapFixture(format, size)] as const),
  ['nbd', nbdFixture],
]

describe.each(SUBJECTS)('%s', (_, make) => {
  for (const { name, run } of storageSuite({ make })) test(name, run)
})
