import { type Disk, HostPrograms } from '@paravane/core'
import type { DiskMode } from '../disk-spec.ts'
import { findDriver } from './find-driver.ts'
import { HostLocks } from './host-locks.ts'
import { shippedDrivers } from './plugin.ts'

/**
 * Opens what a disk string calls storage, `tap:qcow2:/path`, as a hypervisor would for a guest, to look at what is on it.
 * @param programs folder of programs that this host may lack
 * @throws CodedError of one line
 */
export async function openStorage(storage: string, mode: DiskMode, programs: string): Promise<Disk> {
  const { driver, target } = findDriver(shippedDrivers({ locks: new HostLocks() }, new HostPrograms(programs)), storage)
  return driver.open({ target, readonly: mode === 'r', shared: mode === 'w!' })
}
