/** A disk with a Debian that boots, made without root. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { CodedError } from '@paravane/core'
import { requireProgram } from '../../guest-image/host-program.ts'
import { makePartitionedFile } from '../disk-layout.ts'
import { place, refuseExisting, withDraft } from '../draft.ts'
import type { ImageProgress } from '../progress.ts'
import { convertImage } from '../qemu-img.ts'
import { runTool } from '../run-tool.ts'
import { showSize } from '../size.ts'
import { hostSources, sourceLines } from './apt-sources.ts'
import { withOwners } from './as-root.ts'
import { makeHostKeys, publicKeys } from './keys.ts'
import { MAKE_FILE_SYSTEM } from './scripts.ts'
import { obtainTree, type Tree } from './tree.ts'

export interface DebianDiskRequest {
  /** Of the disk; nothing is there. */
  readonly path: string
  readonly format: 'raw' | 'qcow2'
  /** Bytes. */
  readonly size: number
  readonly release: string
  readonly packages: readonly string[]
  readonly hostname: string
  /** A user besides root, who may do everything by sudo. */
  readonly login: string
  /** Of both; empty: root has none, on the console, and the user none at all. */
  readonly password: string
  /** A file of public keys; the user's own by default. */
  readonly sshKey?: string
  /** Where Debian comes from; where the host's apt has it from by default. */
  readonly mirror?: string
  readonly refresh: boolean
}

export interface MadeDebian {
  /** Of the file system. */
  readonly uuid: string
  /** How many of the user's keys open it. */
  readonly keys: number
  /** Of the SSH server's ed25519 key; undefined where the guest makes it. */
  readonly fingerprint?: string
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
const LOGIN = /^[a-z_][a-z0-9_-]{0,31}$/
const WORD = /^[a-z0-9][a-z0-9.+:~-]*$/i
/** Room besides the files: the file system's own tables, and something for the guest to begin with. */
const ROOM_BYTES = 256 << 20

/** @throws CodedError one line with the remedy; nothing is left behind then */
export async function makeDebianDisk(request: DebianDiskRequest, progress: ImageProgress): Promise<MadeDebian> {
  judge(request)
  const { path, release, packages, mirror } = request
  await refuseExisting(path)
  const maker = await requireProgram('mke2fs', 'e2fsprogs')
  const keys = await publicKeys(request.sshKey)
  const sources = mirror === undefined ? await hostSources() : { mirror }
  const tree = await obtainTree({ release, packages, sources }, request.refresh, progress)
  if (request.size < tree.size * 1.1 + ROOM_BYTES) {
    const least = showSize(Math.ceil((tree.size * 1.1 + ROOM_BYTES) / 2 ** 28) * 2 ** 28)
    throw new CodedError(
      { code: 'SIZE' },
      `--size: ${showSize(request.size)} is too small for this Debian; it needs ${least}`,
    )
  }
  return withDraft(path, async (folder) => {
    const files = join(folder, 'files')
    await mkdir(files)
    if (keys.length > 0) await writeFile(join(files, 'authorized_keys'), `${keys.join('\n')}\n`)
    await writeFile(join(files, 'sources.list'), `${sourceLines(sources, release).join('\n')}\n`)
    progress.step('making keys')
    const fingerprint = await makeHostKeys(files, request.hostname)
    const image = join(folder, 'disk.img')
    const uuid = randomUUID()
    await fill(request, { tree, folder, files, image, uuid, prezeroed: await knowsPrezeroed(maker.path) }, progress)
    await place(request.format === 'raw' ? image : await repacked(image, progress), path)
    return { uuid, keys: keys.length, fingerprint }
  })
}

interface Draft {
  readonly tree: Tree
  readonly folder: string
  readonly files: string
  readonly image: string
  readonly uuid: string
  readonly prezeroed: boolean
}

async function fill(request: DebianDiskRequest, draft: Draft, progress: ImageProgress): Promise<void> {
  const { offset, size } = await makePartitionedFile(draft.image, request.size, 'root')
  const root = join(draft.folder, 'tree')
  await mkdir(root)
  const script = join(draft.folder, 'make.sh')
  await writeFile(script, MAKE_FILE_SYSTEM)
  const run = await withOwners(['sh', script], (line) => progress.say(line))
  progress.step('filling the disk')
  await runTool({
    ...run,
    input: unpacked(draft.tree, progress),
    environment: {
      ...run.environment,
      TREE: root,
      FILES: draft.files,
      NAME: request.hostname,
      ROOT_UUID: draft.uuid,
      MACHINE_ID: randomBytes(16).toString('hex'),
      LOGIN: request.login,
      PASSWORD: await hashed(request.password),
      IMAGE: draft.image,
      OFFSET: String(offset),
      KIB: String(size / 1024),
      // Capabilities of files, as ping has one. fakeroot loses the mode of a file that is given an attribute.
      TAR_EXTRA: process.getuid?.() === 0 ? '--xattrs --xattrs-include=security.capability' : '--no-xattrs',
      MKE2FS_EXTRA: draft.prezeroed ? 'assume_storage_prezeroed=1' : 'lazy_itable_init=1,lazy_journal_init=1',
    },
  })
}

async function repacked(image: string, progress: ImageProgress): Promise<string> {
  const path = `${image}.qcow2`
  progress.step('converting to qcow2')
  await convertImage({ path: image, format: 'raw' }, { path, format: 'qcow2' }, progress)
  return path
}

function unpacked({ path, size }: Tree, progress: ImageProgress): Readable {
  const source = createReadStream(path).pipe(createZstdDecompress())
  let done = 0
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      done += (piece as Buffer).length
      // What mke2fs does afterwards takes as long again.
      progress.part((done / size) * 0.5)
      yield piece
    }
  }
  return Readable.from(counted())
}

/** As shadow(5) has it; perl is on every Debian. */
async function hashed(password: string): Promise<string> {
  if (password === '') return ''
  const salt = randomBytes(12).toString('base64').replaceAll('+', '.').slice(0, 16)
  const args = ['-e', 'chomp($p = <STDIN>); print crypt($p, $ARGV[0])', `$6$${salt}`]
  const perl = await requireProgram('perl', 'perl-base')
  return runTool({ ...perl, args, input: Readable.from([`${password}\n`]) })
}

/** From e2fsprogs 1.47 on: tables that the file has as holes need no zeros, neither now nor from the guest. */
async function knowsPrezeroed(path: string): Promise<boolean> {
  const said = await runTool({ path, args: ['-E', 'no-such-option', '-n', '/dev/null', '1'] }).catch(
    (error: Error) => error.message,
  )
  return said.includes('assume_storage_prezeroed') || /1\.(4[7-9]|[5-9]\d)/.test(await version(path))
}

async function version(path: string): Promise<string> {
  let said = ''
  await runTool({ path, args: ['-V'], heard: (line) => (said += line) }).catch(() => '')
  return said
}

function judge({ hostname, login, release, packages, password, mirror }: DebianDiskRequest): void {
  const demand = (isFit: boolean, message: string): void => {
    if (!isFit) throw new CodedError({ code: 'IMAGE_OPTION' }, message)
  }
  demand(NAME.test(hostname), `--hostname must be letters, digits and -, at most 63, not '${hostname}'`)
  demand(
    LOGIN.test(login) && login !== 'root',
    `--user must be a login name of small letters, digits, - and _, not '${login}'`,
  )
  demand(WORD.test(release), `--release must be a release of Debian such as bookworm, not '${release}'`)
  const odd = packages.find((name) => !WORD.test(name))
  demand(odd === undefined, `--packages must be names of packages with commas between them, which '${odd}' is not`)
  demand(!/[\n\0]/.test(password), '--password must be one line')
  demand(
    mirror === undefined || /^(https?|file):\/\/\S+$/.test(mirror),
    `--mirror must be the URL of a mirror of Debian, not '${mirror}'`,
  )
}
