import { CodedError } from '@paravane/core'
import { vdevNumber } from './vdev.ts'

/** Access of a guest to its disk; `w!` does not mind that others have it, too. */
export type DiskMode = 'r' | 'w' | 'w!'

/** One disk, as an entry of `disk=` says. */
export interface DiskSpec {
  /** Scheme and target, `file:/path`; empty for an empty tray. */
  readonly storage: string
  /** As it was named: `xvda`, `hdc`, a number. */
  readonly vdev: string
  /** Its number: `virtual-device`. */
  readonly devid: number
  readonly kind: 'disk' | 'cdrom'
  readonly mode: DiskMode
}

const MODES: Readonly<Record<string, DiskMode>> = {
  r: 'r',
  ro: 'r',
  w: 'w',
  rw: 'w',
  'w!': 'w!',
}

/** xl's formats, and the schemes they stand for. */
const FORMATS: Readonly<Record<string, string>> = {
  qcow2: 'tap:qcow2:',
  vhd: 'tap:vhd:',
  vmdk: 'tap:vmdk:',
}

const XL_FORMATS: readonly string[] = ['raw', 'empty', ...Object.keys(FORMATS)]
/** As those of URIs. */
const SCHEME = /^[a-z][a-z0-9+.-]*:/

/**
 * Reads an entry of `disk=` in xm's form, `UNAME,DEV[:cdrom],MODE[,BACKEND]`, or in xl's, `TARGET,FORMAT,DEV,ACCESS` or `key=value`.
 * @throws CodedError DISK_SPEC of one line
 */
export function parseDiskSpec(text: string): DiskSpec {
  const parts = text.split(',').map((part) => part.trim())
  return isClassic(parts) ? classic(text, parts) : fromXl(text, parts)
}

/**
 * A disk as a program asks for it: a string for {@link parseDiskSpec}, or what that makes of one.
 * @throws CodedError DISK_SPEC of one line
 */
export function diskSpecOf(config: unknown): DiskSpec {
  if (typeof config === 'string') return parseDiskSpec(config)
  const { storage, vdev, kind = 'disk', mode } = (config ?? {}) as Partial<Record<keyof DiskSpec, unknown>>
  const text = JSON.stringify(config) ?? 'undefined'
  if (typeof storage !== 'string') throw refusal(text, 'it needs a text "storage", such as file:/path')
  if (typeof mode !== 'string') throw refusal(text, 'it needs a "mode": w, r or w!')
  if (kind !== 'disk' && kind !== 'cdrom') throw refusal(text, 'its "kind" may be disk or cdrom')
  const device = deviceOf(String(vdev))
  if (device === undefined) throw unknownDevice(text, String(vdev))
  return completed(text, { ...device, kind, storage, mode: modeOf(text, mode) })
}

/** In xm's form the second item is a device, in xl's a format. */
function isClassic(parts: readonly string[]): boolean {
  const [storage = '', second = ''] = parts
  if (second === '' || parts.some((part) => /^[a-z]+=/.test(part))) return false
  return deviceOf(second) !== undefined || (SCHEME.test(storage) && !XL_FORMATS.includes(second))
}

function classic(text: string, [storage = '', dev = '', mode = '', backend = '']: readonly string[]): DiskSpec {
  const device = deviceOf(dev)
  if (device === undefined) throw unknownDevice(text, dev)
  if (mode === '') throw refusal(text, 'it does not say how it may be used; add ,w or ,r')
  if (storage !== '' && !SCHEME.test(storage)) {
    throw refusal(text, `"${storage}" does not say what kind of storage it is; write file:${storage} or phy:${storage}`)
  }
  if (!['', '0', 'Domain-0'].includes(backend)) {
    throw refusal(text, `back ends are in domain 0 only; leave out "${backend}"`)
  }
  return completed(text, { ...device, storage: /:$/.test(storage) ? '' : storage, mode: modeOf(text, mode) })
}

function fromXl(text: string, parts: readonly string[]): DiskSpec {
  const given = xlParts(text, parts)
  const { target = '', format = 'raw', vdev } = given
  if (vdev === undefined) throw refusal(text, 'it names no device, such as xvda')
  const device = deviceOf(vdev)
  if (device === undefined) throw unknownDevice(text, vdev)
  const isCdrom = device.kind === 'cdrom' || given.cdrom === true
  const mode = modeOf(text, given.access ?? (isCdrom ? 'r' : 'w'))
  return completed(text, {
    ...device,
    kind: isCdrom ? 'cdrom' : 'disk',
    storage: storageOf(text, target, format),
    mode,
  })
}

interface XlParts {
  readonly target?: string
  readonly format?: string
  readonly vdev?: string
  readonly access?: string
  readonly cdrom?: boolean
}

const POSITIONS = ['target', 'format', 'vdev', 'access'] as const
const KEYS: readonly string[] = [...POSITIONS, 'devtype', 'backendtype']
/** xl's words that change nothing here: the back end finds out by itself. */
const IGNORED: readonly string[] = ['direct-io-safe', 'discard', 'no-discard', 'colo']

function xlParts(text: string, parts: readonly string[]): XlParts {
  const given: Record<string, string | boolean> = {}
  let position = 0
  for (const [at, part] of parts.entries()) {
    const [, key, value = ''] = /^([a-z]+)=(.*)$/.exec(part) ?? []
    if (key === 'target') {
      // It runs to the end, commas and all.
      given.target = text.slice(text.indexOf('target=') + 'target='.length).trim()
      break
    }
    if (key !== undefined) {
      if (!KEYS.includes(key)) throw refusal(text, `"${key}" is unknown; known: ${KEYS.join(', ')}`)
      if (key === 'devtype') given.cdrom = value === 'cdrom'
      else if (key !== 'backendtype') given[key] = value
    } else if (part === 'cdrom') given.cdrom = true
    else if (part === 'empty' && at > 0) given.format = 'empty'
    else if (!IGNORED.includes(part)) {
      const name = POSITIONS[position++]
      if (name === undefined) throw refusal(text, `"${part}" is one item too many`)
      if (part !== '') given[name] = part
    }
  }
  return given
}

function storageOf(text: string, target: string, format: string): string {
  if (format === 'empty' || target === '') return ''
  // What has a scheme keeps it: xl takes xm's, too.
  if (SCHEME.test(target)) return target
  if (format === 'raw') return target.startsWith('/dev/') ? `phy:${target}` : `file:${target}`
  const scheme = FORMATS[format]
  if (scheme === undefined) {
    throw refusal(text, `format "${format}" is unknown; known: ${XL_FORMATS.join(', ')}`)
  }
  return `${scheme}${target}`
}

interface Device {
  readonly vdev: string
  readonly devid: number
  readonly kind: 'disk' | 'cdrom'
}

/** `hda`, `xvda:disk`, `hdc:cdrom`, `ioemu:hda`, 51712, 0xca00. */
function deviceOf(text: string): Device | undefined {
  const [, vdev = '', kind = 'disk'] = /^(?:ioemu:)?([^:]+)(?::(disk|cdrom))?$/.exec(text) ?? []
  const devid = /^(0x[0-9a-f]+|[0-9]+)$/i.test(vdev) ? Number(vdev) : vdevNumber(vdev)
  if (devid === undefined || devid === 0 || devid >= 2 ** 29) return
  return { vdev: vdev.replace(/^\/dev\//, ''), devid, kind: kind as Device['kind'] }
}

function modeOf(text: string, given: string): DiskMode {
  const mode = MODES[given]
  if (mode === undefined) throw refusal(text, `mode "${given}" is unknown; it may be w, r or w!`)
  return mode
}

function completed(text: string, spec: DiskSpec): DiskSpec {
  if (spec.storage !== '') return { ...spec, mode: spec.kind === 'cdrom' ? 'r' : spec.mode }
  if (spec.kind !== 'cdrom')
    throw refusal(text, `it has no storage, which only a CD-ROM may be without (${spec.vdev}:cdrom)`)
  return { ...spec, mode: 'r' }
}

function unknownDevice(text: string, dev: string): Error {
  return refusal(text, `"${dev}" is no device; it may be xvda to xvdzz, sda to sdp, hda to hdd, or a number`)
}

function refusal(text: string, why: string): CodedError<{ code: 'DISK_SPEC'; spec: string }> {
  return new CodedError({ code: 'DISK_SPEC', spec: text }, `disk "${text}": ${why}`)
}
