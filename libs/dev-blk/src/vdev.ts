/** Majors of devices whose names guests had before `xvd` (xen/docs/man/xen-vbd-interface.7). */
const XVD_MAJOR = 202
const SD_MAJOR = 8
const HD_MAJORS = [3, 22] as const
/** Of disks and partitions that have no place below major 202. */
const EXTENDED = 1 << 28

const NAME = /^(?:\/dev\/)?(xvd|sd|hd)([a-z]{1,2})([1-9][0-9]{0,2})?$/

/** A virtual disk's number, which is also its `virtual-device` and device id; undefined if the name is none. */
export function vdevNumber(name: string): number | undefined {
  const [, kind, letters = '', digits = '0'] = NAME.exec(name) ?? []
  if (kind === undefined) return undefined
  const disk = [...letters].reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 96, 0) - 1
  const partition = Number(digits)
  if (kind === 'xvd') return xvdNumber(disk, partition)
  if (kind === 'sd') return disk < 16 && partition < 16 ? (SD_MAJOR << 8) | (disk << 4) | partition : undefined
  const major = HD_MAJORS[disk >> 1]
  return major !== undefined && partition < 64 ? (major << 8) | ((disk & 1) << 6) | partition : undefined
}

function xvdNumber(disk: number, partition: number): number | undefined {
  if (disk < 16 && partition < 16) return (XVD_MAJOR << 8) | (disk << 4) | partition
  return partition < 256 ? EXTENDED | (disk << 8) | partition : undefined
}

/** The name that a guest's Linux gives a number, without `/dev/`; the number itself in hex where it has none. */
export function vdevName(number: number): string {
  if (number & EXTENDED) return name('xvd', (number >> 8) & 0xf_ffff, number & 0xff)
  const [major, minor] = [number >> 8, number & 0xff]
  if (major === XVD_MAJOR) return name('xvd', minor >> 4, minor & 15)
  if (major === SD_MAJOR) return name('sd', minor >> 4, minor & 15)
  const pair = HD_MAJORS.indexOf(major as 3)
  return pair < 0 ? `0x${number.toString(16)}` : name('hd', pair * 2 + (minor >> 6), minor & 63)
}

function name(kind: string, disk: number, partition: number): string {
  const letter = (at: number): string => String.fromCharCode(97 + at)
  const letters = disk < 26 ? letter(disk) : letter(Math.floor(disk / 26) - 1) + letter(disk % 26)
  return `${kind}${letters}${partition === 0 ? '' : partition}`
}
