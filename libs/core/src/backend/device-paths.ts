import type { DeviceNodes } from '../plugin/backend-driver.ts'
import type { Perms } from '../xenstore/perms.ts'
import type { Xenstore, XenstoreAccess } from '../xenstore/xenstore.ts'

/** Where the halves of a device lie in the store, both absolute. */
export interface DevicePaths {
  readonly front: string
  readonly back: string
  /** Where the back end says what went wrong with it. */
  readonly error: string
}

/** @param type as xenstore has it: `vbd`, `vif` */
export function devicePaths(domid: number, type: string, devid: number): DevicePaths {
  return {
    front: `/local/domain/${domid}/device/${type}/${devid}`,
    back: `/local/domain/0/backend/${type}/${domid}/${devid}`,
    error: `/local/domain/0/error/backend/${type}/${domid}/${devid}`,
  }
}

/** Writes both halves of a new device at once. The front end's folder is the guest's, which reads the other one. */
export function writeDeviceNodes(
  store: Xenstore,
  domid: number,
  { front, back }: DevicePaths,
  nodes: { readonly front: DeviceNodes; readonly back: DeviceNodes },
): void {
  const guests: Perms = [
    { domid, access: 'n' },
    { domid: 0, access: 'r' },
  ]
  const ours: Perms = [
    { domid: 0, access: 'n' },
    { domid, access: 'r' },
  ]
  store.transaction((tx) => {
    // What is left of another device that had the number before.
    tx.rm(front)
    tx.rm(back)
    writeFolder(tx, front, nodes.front, guests)
    writeFolder(tx, back, nodes.back, ours)
  })
}

export function removeDeviceNodes(store: Xenstore, { front, back, error }: DevicePaths): void {
  store.transaction((tx) => {
    for (const path of [front, back, error]) tx.rm(path)
  })
}

function writeFolder(tx: XenstoreAccess, folder: string, nodes: DeviceNodes, perms: Perms): void {
  tx.write(folder, '')
  tx.setPerms(folder, perms)
  // What is created below a folder has its permissions.
  for (const [key, value] of Object.entries(nodes)) tx.write(`${folder}/${key}`, String(value))
}
