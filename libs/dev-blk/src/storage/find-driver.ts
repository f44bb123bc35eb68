import { CodedError, type StorageDriver } from '@paravane/core'

export interface FoundDriver {
  readonly scheme: string
  /** What follows the scheme. */
  readonly target: string
  readonly driver: StorageDriver
}

/**
 * The driver of a disk string. The longest scheme that fits: `tap:qcow2:/x` is `tap:qcow2` before it is `tap`.
 * @throws CodedError `DISK_SCHEME`
 */
export function findDriver(drivers: ReadonlyMap<string, StorageDriver>, storage: string): FoundDriver {
  let scheme = ''
  for (const known of drivers.keys()) {
    if (storage.startsWith(`${known}:`) && known.length > scheme.length) scheme = known
  }
  const driver = drivers.get(scheme)
  if (driver !== undefined) return { scheme, driver, target: storage.slice(scheme.length + 1) }
  const known = [...drivers.keys()].sort().join(', ') || 'none'
  const asked = /^[^:/]*/.exec(storage)?.[0] ?? ''
  const text = `${storage}: no plugin has storage of scheme "${asked}" (there are: ${known}); add one that has to the plugins`
  throw new CodedError({ code: 'DISK_SCHEME', scheme: asked }, text)
}
