import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StorageDriver } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DiskOwners } from '../../src/blkback/disk-owners.ts'
import { Media, type Medium } from '../../src/blkback/media.ts'
import { parseDiskSpec } from '../../src/disk-spec.ts'
import { fileDriver } from '../../src/storage/file-driver.ts'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { overlayDriver } from '../../src/storage/overlay-driver.ts'

let folder: string
let media: Media
const opened: Medium[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'media-'))
  writeFileSync(join(folder, 'base'), '')
  truncateSync(join(folder, 'base'), 1 << 20)
  const locks = new HostLocks()
  const drivers = new Map<string, StorageDriver>([['file', fileDriver({ locks })]])
  drivers.set('overlay', overlayDriver(drivers, { locks }))
  media = new Media(drivers, new DiskOwners())
})
afterEach(async () => {
  for (const medium of opened.splice(0)) await medium.close()
  rmSync(folder, { recursive: true })
})

async function open(storage: string, mode: string, domain: string): Promise<Medium> {
  const user = { domainName: () => domain, vdev: 'xvda' }
  const medium = await media.open(parseDiskSpec(`${storage},xvda,${mode}`), user)
  opened.push(medium)
  return medium
}

const base = () => `file:${join(folder, 'base')}`
const overlay = (top: string, below = base()) => `overlay:${join(folder, top)}:${below}`

test('what overlays are over may be read by all, and written by nobody', async () => {
  const one = await open(overlay('one'), 'w', 'first')
  await open(overlay('two'), 'w', 'second')
  await open(base(), 'r', 'third')
  await expect(open(base(), 'w', 'fourth')).rejects.toThrow(
    `${base()}: domain first has it as xvda; detach it there, or say w! if both may write it`,
  )
  await expect(open(overlay('one'), 'r', 'fourth')).rejects.toThrow('domain first writes it as xvda')
  await one.close()
  await open(overlay('one'), 'r', 'fourth')
})

test('an overlay is refused over what somebody writes, also two levels below', async () => {
  await (await open(overlay('middle'), 'w', 'first')).close()
  await open(base(), 'w', 'first')
  await expect(open(overlay('one'), 'w', 'second')).rejects.toThrow('domain first writes it as xvda')
  await expect(open(overlay('one', overlay('middle')), 'w', 'second')).rejects.toThrow('domain first writes it as xvda')
})
