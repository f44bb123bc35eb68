/** Paravirtual block devices. */
export { type DiskMode, type DiskSpec, parseDiskSpec } from './disk-spec.ts'
export { default } from './plugin.ts'
export { vdevName, vdevNumber } from './vdev.ts'
