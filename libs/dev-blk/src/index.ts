/** Paravirtual block devices. */
export { vdevName, vdevNumber } from './vdev.ts'
