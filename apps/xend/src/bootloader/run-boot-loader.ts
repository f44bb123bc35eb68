/** `bootloader = "pygrub"`: takes kernel, ramdisk and command line from the guest's own disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type DiskReader, readFileAsDisk } from '../disk-image/disk-reader.ts'
import { BootError } from './boot-error.ts'
import type { BootReport, BootStart, ReadAnswer } from './boot-thread.ts'
import type { LoadedFiles, LoadRequest } from './load-files.ts'
import { readBootArguments } from './pygrub-arguments.ts'

const THREAD = new URL(import.meta.url.endsWith('.ts') ? './boot-thread.ts' : './boot-thread.js', import.meta.url)
const LIMIT_MS = 60_000
const HEAP = { maxOldGenerationSizeMb: 512 } as const

export interface BootLoaderRequest {
  /** Of a raw image or block device the path; else what can be read, which stays open. */
  readonly disk: string | DiskReader
  /** What messages call it; its path by default. */
  readonly diskName?: string
  /** The config's `bootargs`. */
  readonly args?: string
  /** The config's `bootentry`, which its `bootargs` go before. */
  readonly entry?: string
  /** The config's `kernel` and `ramdisk`: paths on the guest's disk, in place of those that its boot loader's configuration names. */
  readonly kernel?: string
  readonly ramdisk?: string
  /** What the config adds to the command line: `root`, `extra`. */
  readonly extra?: string
  /** Where the folder of the files is made; the system's temporary folder by default. */
  readonly parent?: string
  readonly limitMs?: number
}

export interface BootFiles {
  /** Paths of files that are there until `release`. */
  readonly kernel: string
  readonly ramdisk?: string
  readonly cmdline: string
  /** Of the entry that was taken; undefined where a kernel was asked for by its path. */
  readonly title?: string
  /** Deletes the files. */
  release(): Promise<void>
}

/** Whether a config's `bootloader` is this one: `pygrub`, or a path of it. */
export const isPygrub = (bootloader: string): boolean => /^(.*\/)?pygrub$/.test(bootloader)

/** @throws BootError one line that names the disk, what was looked for and the way out */
export async function runBootLoader(request: BootLoaderRequest): Promise<BootFiles> {
  const { disk, diskName = typeof disk === 'string' ? disk : 'the disk', parent = tmpdir() } = request
  const given = readBootArguments(request.args ?? '')
  const reader = typeof disk === 'string' ? await readFileAsDisk(disk) : disk
  const folder = await mkdtemp(join(parent, 'paravane-boot-'))
  const release = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const load: LoadRequest = {
      entry: given.entry ?? request.entry,
      kernel: given.kernel ?? request.kernel,
      ramdisk: given.ramdisk ?? request.ramdisk,
      folder,
    }
    const { kernel, ramdisk, cmdline, title } = await inThread(reader, load, request.limitMs ?? LIMIT_MS)
    const words = [cmdline, given.args, request.extra].filter((text) => text !== undefined && text !== '')
    return { kernel, ramdisk, cmdline: words.join(' '), title, release }
  } catch (error) {
    await release()
    if (!(error instanceof BootError)) throw error
    throw new BootError(error.code, `${diskName}: ${error.message}`, { cause: error })
  } finally {
    if (typeof disk === 'string') await reader.close()
  }
}

async function inThread(disk: DiskReader, request: LoadRequest, limitMs: number): Promise<LoadedFiles> {
  const start: BootStart = { size: disk.size, request }
  const thread = new Worker(THREAD, { workerData: start, name: 'bootloader', resourceLimits: HEAP })
  const { promise, resolve, reject } = Promise.withResolvers<LoadedFiles>()
  const fail = (message: string): void => reject(new BootError('BOOT_DISK', message))
  const timer = setTimeout(
    () => fail(`it was not read in ${limitMs / 1000} s; its file system may be damaged`),
    limitMs,
  )
  thread.on('error', (error) =>
    fail(`its boot loader ended: ${(error as Error).message}; its file system may be damaged`),
  )
  thread.on('exit', () => fail('its boot loader ended without a word'))
  thread.on('message', (report: BootReport) => {
    if (report.kind === 'done') resolve(report.files)
    else if (report.kind === 'failed') reject(new BootError(report.code, report.message))
    else void answer(disk, report).then((read) => thread.postMessage(read))
  })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}

async function answer(disk: DiskReader, { id, offset, length }: BootReport & { kind: 'read' }): Promise<ReadAnswer> {
  return disk.read(offset, length).then(
    (bytes) => ({ id, bytes }),
    (error: Error) => ({ id, fault: error.message }),
  )
}
