/** Paravirtual block devices. */
export { type DiskMode, type DiskSpec, parseDiskSpec } from './disk-spec.ts'
export { default } from './plugin.ts'
export { type HostProgram, HostPrograms } from './storage/host-programs.ts'
export { nbdDriver } from './storage/nbd-driver.ts'
export { openStorage } from './storage/open-storage.ts'
export { TAP_FORMATS, tapDriver } from './storage/tap-driver.ts'
export { vdevName, vdevNumber } from './vdev.ts'
