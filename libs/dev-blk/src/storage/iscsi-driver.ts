import type { Disk, HostPrograms, StorageDriver, StorageRequest } from '@paravane/core'
import { readChapFile } from './iscsi/chap-file.ts'
import { parseIscsiAddress } from './iscsi/iscsi-address.ts'
import { openRefusal } from './open-refusal.ts'
import { openByDaemon } from './qemu/open-by-daemon.ts'

/** Name of the password among the daemon's secrets. */
const SECRET = 'chap'
/** The target is taken for dead if it answers nothing for so long, ms. */
const SILENCE_MS = 30_000
/** SCSI's unit attention "power on, reset, or bus device reset occurred": libiscsi has logged in again, and goes on as if nothing had been. */
const BEGUN_ANEW = /UNIT_ATTENTION.*\(0x29[0-9a-f]{2}\)/i

/** `iscsi:`, a logical unit of a target, by libiscsi in qemu-storage-daemon. */
export function iscsiDriver(programs: HostPrograms): StorageDriver {
  return { open: (request) => openUnit(programs, request) }
}

async function openUnit(programs: HostPrograms, { target: text, readonly, shared }: StorageRequest): Promise<Disk> {
  const name = `iscsi:${text}`
  const { target, portal, lun, chap } = parseIscsiAddress(text)
  const login =
    chap === undefined
      ? undefined
      : await readChapFile(chap).catch((error: Error) => {
          throw openRefusal(name, error.message, error)
        })
  const node = {
    ...{ driver: 'iscsi', transport: 'tcp', portal, target, lun },
    ...{ 'read-only': readonly, discard: 'unmap' },
    ...(login === undefined ? {} : { user: login.user, 'password-secret': SECRET }),
  }
  const secrets: Readonly<Record<string, string>> = login === undefined ? {} : { [SECRET]: login.password }
  const identity = `iscsi ${target} ${lun}`
  const patience = { silence: SILENCE_MS, begunAnew: BEGUN_ANEW }
  return openByDaemon({ name, identity, readonly, shared, node, secrets, ...patience }, programs)
}
