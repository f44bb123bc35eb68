/** xm image create: disks that were not there before. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { CodedError } from '@paravane/core'
import { makeDebianDisk } from '../../disk-image/debian/disk.ts'
import { DEFAULT_RELEASE } from '../../disk-image/debian/tree.ts'
import { storageOf } from '../../disk-image/image-names.ts'
import { makeEmptyImage } from '../../disk-image/make-image.ts'
import { readSize, showSize } from '../../disk-image/size.ts'
import type { ImageTask } from './image.ts'

const DEFAULT_SIZE = '4G'
const DEFAULT_LOGIN = 'debian'

export async function createImage(task: ImageTask): Promise<void> {
  const { args, options, pathOf } = task
  const [kind = '', name = ''] = args
  const format = options.get('format') ?? 'raw'
  if (format !== 'raw' && format !== 'qcow2') {
    throw new CodedError({ code: 'USAGE' }, `--format must be raw or qcow2, not '${format}'.`)
  }
  const place = {
    path: pathOf(name, format),
    format,
    size: readSize(options.get('size') ?? DEFAULT_SIZE, '--size'),
  } as const
  if (kind === 'debian') await createDebian(task, place)
  else if (kind === 'empty') await createEmpty(task, place)
  else throw new CodedError({ code: 'USAGE' }, `'xm image create' makes 'debian' or 'empty', not '${kind}'.`)
}

interface Place {
  readonly path: string
  readonly format: 'raw' | 'qcow2'
  readonly size: number
}

async function createEmpty(
  { options, progress, json, stdout }: ImageTask,
  { path, size, format }: Place,
): Promise<void> {
  const stray = [...options.keys()].find((option) => option !== 'size' && option !== 'format')
  if (stray !== undefined) throw new CodedError({ code: 'USAGE' }, `--${stray} is for 'create debian'.`)
  await makeEmptyImage(path, size, format, progress)
  if (json) stdout(`${JSON.stringify({ path, format, size }, undefined, 2)}\n`)
  else stdout(`${path}: ${showSize(size)}, empty\n${diskLine(path, format)}`)
}

async function createDebian({ options, progress, json, stdout, fileOf }: ImageTask, place: Place): Promise<void> {
  const { path, size, format } = place
  const release = options.get('release') ?? DEFAULT_RELEASE
  const login = options.get('user') ?? DEFAULT_LOGIN
  const password = options.get('password') ?? ''
  const sshKey = options.get('ssh-key')
  const made = await makeDebianDisk(
    {
      ...{ path, size, format, release, login, password },
      packages: (options.get('packages') ?? '').split(',').filter(Boolean),
      hostname: options.get('hostname') ?? hostnameOf(path),
      sshKey: sshKey === undefined ? undefined : fileOf(sshKey),
      mirror: options.get('mirror'),
      refresh: options.has('refresh'),
    },
    progress,
  )
  progress.end()
  if (json) {
    stdout(`${JSON.stringify({ path, format, size, release, user: login, ...made }, undefined, 2)}\n`)
    return
  }
  const used = (await stat(path)).blocks * 512
  stdout(`${path}: Debian ${release}, ${showSize(size)}, of which ${showSize(used)} are used\n`)
  stdout(`${diskLine(path, format)}bootloader = 'pygrub'\n`)
  const keys = made.keys === 1 ? '1 public key' : `${made.keys} public keys`
  stdout(
    made.keys === 0
      ? `nobody is let in by SSH: you have no public key (make one with ssh-keygen, or name a file: --ssh-key=FILE)\n`
      : `root and ${login} are let in by SSH with ${keys}\n`,
  )
  stdout(
    password === ''
      ? 'on the console root logs in without a password\n'
      : `on the console root and ${login} have the password that you gave\n`,
  )
  if (made.fingerprint !== undefined) stdout(`its SSH host key is ${made.fingerprint} (ED25519)\n`)
}

/** To be copied to a config file. */
const diskLine = (path: string, format: string): string => `disk = ['${storageOf(path, format)},xvda,w']\n`

function hostnameOf(path: string): string {
  const name = basename(path)
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9-]/g, '-')
    .replace(/^-+|-+$/g, '')
  return name.slice(0, 63).toLowerCase() || 'debian'
}
