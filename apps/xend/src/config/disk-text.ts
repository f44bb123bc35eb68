/** Disks as texts: `file:/path,xvda,w`. */
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import { type DiskSpec, parseDiskSpec } from '@paravane/dev-blk'
import { DISKS } from './device-keys.ts'
import type { Setting } from './settings.ts'

const OVERLAY = /^overlay:([^:]+):(.+)$/s
/** Schemes whose target is a file. */
const OF_FILE = /^((?:file|tap2?:(?:tapdisk:)?[a-z0-9]+):)(.+)$/s

/** A disk whose file, if it is one, is named from the root. @throws CodedError DISK_SPEC */
export function wholeDisk(text: string, folder: string): string {
  const spec = parseDiskSpec(text)
  const storage = wholeStorage(spec.storage, folder)
  return storage === spec.storage ? text : diskText({ ...spec, storage })
}

function wholeStorage(storage: string, folder: string): string {
  const [, top, base] = OVERLAY.exec(storage) ?? []
  if (top !== undefined && base !== undefined) return `overlay:${resolve(folder, top)}:${wholeStorage(base, folder)}`
  const [, scheme, path = ''] = OF_FILE.exec(storage) ?? []
  return scheme === undefined ? storage : `${scheme}${resolve(folder, path)}`
}

/** In xm's form, as far as that can say it. */
export function diskText({ storage, vdev, kind, mode }: Omit<DiskSpec, 'devid'>): string {
  if (!storage.includes(',')) return `${storage},${vdev}${kind === 'cdrom' ? ':cdrom' : ''},${mode}`
  return `vdev=${vdev},${kind === 'cdrom' ? 'devtype=cdrom,' : ''}access=${mode},target=${storage}`
}

/** Each disk of a setting so: relative paths begin where the user is, whoever acts on them. What is no disk is left as it is. */
export function withWholeDisks(setting: Setting, folder: string): Setting {
  const texts = setting.key === 'disk' ? DISKS.read(setting.value) : undefined
  return texts === undefined ? setting : { ...setting, value: texts.map((text) => wholeIfDisk(text, folder)) }
}

function wholeIfDisk(text: string, folder: string): string {
  try {
    return wholeDisk(text, folder)
  } catch (error) {
    if (error instanceof CodedError) return text
    throw error
  }
}
