import { CodedError, type Disk } from '@paravane/core'
import type { DiskSpec } from '../disk-spec.ts'
import { vdevName } from '../vdev.ts'

/** What may come behind a device in place of what is there. */

/** @throws CodedError DISK_CHANGE */
export function refuseOther(old: DiskSpec, next: DiskSpec): void {
  const asked = `disk ${next.vdev}`
  if (next.devid !== old.devid) throw refusal(asked, `the device is ${vdevName(old.devid)}; say that`)
  if (next.kind !== old.kind) throw refusal(asked, `the guest knows it as a ${old.kind}; detach it and attach another`)
  if ((next.mode === 'r') !== (old.mode === 'r')) {
    const [is, isAsked] = next.mode === 'r' ? ['writable', 'read-only'] : ['read-only', 'writable']
    throw refusal(asked, `the guest knows it as ${is}, so it cannot become ${isAsked}; detach it and attach it anew`)
  }
}

/** A guest goes on with what it was told of its disk. @throws CodedError DISK_CHANGE */
export function refuseUnfit({ storage }: DiskSpec, old: Disk | undefined, next: Disk | undefined): void {
  if (old === undefined || next === undefined) return
  if (next.size < old.size) {
    throw refusal(storage, `it has ${next.size} bytes and the guest's disk ${old.size}; give one that is as large`)
  }
  if (next.sectorSize !== old.sectorSize) {
    throw refusal(
      storage,
      `its sectors are of ${next.sectorSize} bytes and those of the guest's disk of ${old.sectorSize}`,
    )
  }
}

/** Whether all is to be copied to the new disk first: `copy: true` beside the facts of a disk. */
export function wantsCopy(config: unknown): boolean {
  return typeof config === 'object' && (config as { readonly copy?: unknown } | null)?.copy === true
}

function refusal(what: string, why: string): Error {
  return new CodedError({ code: 'DISK_CHANGE', what }, `${what}: ${why}`)
}
