import { CodedError, type Disk, type StorageDriver } from '@paravane/core'
import type { DiskSpec } from '../disk-spec.ts'
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
    const { scheme, driver } = this.#driver(spec)
    const target = spec.storage.slice(scheme.length + 1)
    const disk = await driver.open({ target, readonly: spec.mode === 'r', shared: spec.mode === 'w!' })
    const rival = this.#owners.rival(disk.identity, spec.mode, user)
    if (rival !== undefined) {
      await disk.close()
      throw inUse(spec, rival)
    }
    const release = this.#owners.claim(disk.identity, spec.mode, user)
    return { spec, scheme, target, disk, close: () => disk.close().finally(release) }
  }

  /** The longest scheme that fits: `tap:qcow2:/x` is `tap:qcow2` before it is `tap`. */
  #driver({ storage }: DiskSpec): { readonly scheme: string; readonly driver: StorageDriver } {
    let scheme = ''
    for (const known of this.#drivers.keys()) {
      if (storage.startsWith(`${known}:`) && known.length > scheme.length) scheme = known
    }
    const driver = this.#drivers.get(scheme)
    if (driver !== undefined) return { scheme, driver }
    const known = [...this.#drivers.keys()].sort().join(', ') || 'none'
    const asked = /^[^:/]*/.exec(storage)?.[0] ?? ''
    const text = `${storage}: no plugin has storage of scheme "${asked}" (there are: ${known}); add one that has to the plugins`
    throw new CodedError({ code: 'DISK_SCHEME', scheme: asked }, text)
  }
}

function inUse({ storage, mode }: DiskSpec, { domainName, vdev }: DiskUser): Error {
  const domain = domainName()
  const how = mode === 'r' ? 'writes it' : 'has it'
  const text = `${storage}: domain ${domain} ${how} as ${vdev}; detach it there, or say w! if both may write it, as in a cluster's file system`
  return new CodedError({ code: 'DISK_IN_USE', storage, domain }, text)
}
