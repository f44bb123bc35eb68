import { CodedError, type Disk, type StorageDriver } from '@paravane/core'
import type { DiskMode, DiskSpec } from '../disk-spec.ts'
import { findDriver } from '../storage/find-driver.ts'
import type { DiskOwners, DiskUser } from './disk-owners.ts'

/** What is behind a device: a disk that is open and its own. An empty tray has none. */
export interface Medium {
  readonly spec: DiskSpec
  /** Of the storage: `file`; empty for none. */
  readonly scheme: string
  readonly target: string
  readonly disk: Disk | undefined
  close(): Promise<void>
}

/** Opens disks by their schemes, for one user each. */
export class Media {
  readonly #drivers: ReadonlyMap<string, StorageDriver>
  readonly #owners: DiskOwners

  constructor(drivers: ReadonlyMap<string, StorageDriver>, owners: DiskOwners) {
    this.#drivers = drivers
    this.#owners = owners
  }

  /** @throws CodedError: the storage's own, DISK_SCHEME, DISK_IN_USE; nothing is left open */
  async open(spec: DiskSpec, user: DiskUser): Promise<Medium> {
    if (spec.storage === '') return { spec, scheme: '', target: '', disk: undefined, close: async () => {} }
    const { scheme, target, driver } = findDriver(this.#drivers, spec.storage)
    const disk = await driver.open({ target, readonly: spec.mode === 'r', shared: spec.mode === 'w!' })
    const uses: readonly (readonly [identity: string, mode: DiskMode])[] = [
      [disk.identity, spec.mode],
      ...(disk.bases ?? []).map((base) => [base, 'r'] as const),
    ]
    for (const [identity, mode] of uses) {
      const rival = this.#owners.rival(identity, mode, user)
      if (rival === undefined) continue
      await disk.close()
      throw inUse(spec.storage, mode, rival)
    }
    const claims = uses.map(([identity, mode]) => this.#owners.claim(identity, mode, user))
    const release = (): void => {
      for (const end of claims) end()
    }
    return { spec, scheme, target, disk, close: () => disk.close().finally(release) }
  }
}

function inUse(storage: string, mode: DiskMode, { domainName, vdev }: DiskUser): Error {
  const domain = domainName()
  const how = mode === 'r' ? 'writes it' : 'has it'
  const text = `${storage}: domain ${domain} ${how} as ${vdev}; detach it there, or say w! if both may write it, as in a cluster's file system`
  return new CodedError({ code: 'DISK_IN_USE', storage, domain }, text)
}
