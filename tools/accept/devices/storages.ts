import { execFile } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ObtainableProgram, obtainPrograms } from '../../../apps/xend/src/host-programs/obtain-programs.ts'
import { HostPrograms } from '../../../libs/dev-blk/src/index.ts'

const run = promisify(execFile)

/** A disk that was made for a test. */
export interface MadeDisk {
  /** As in `disk=`, before the device. */
  readonly storage: string
  /** Lets go of what serves it. */
  readonly end?: () => Promise<void>
}

/** One scheme of storage, and how an empty disk of it is made in a folder. */
export interface Storage {
  readonly name: string
  readonly make: (place: StoragePlace) => Promise<MadeDisk>
}

/** A folder for disks, with Debian's programs of storage beside it. */
export class StoragePlace {
  readonly folder: string
  readonly bytes: number
  readonly #programs: HostPrograms

  static async at(
    folder: string,
    bytes: number,
    programs: readonly ObtainableProgram[],
    progress: (line: string) => void,
  ): Promise<StoragePlace> {
    return new StoragePlace(folder, bytes, new HostPrograms(await obtainPrograms(programs, progress)))
  }

  private constructor(folder: string, bytes: number, programs: HostPrograms) {
    this.folder = folder
    this.bytes = bytes
    this.#programs = programs
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async emptyFile(name: string): Promise<string> {
    await writeFile(this.path(name), '')
    await truncate(this.path(name), this.bytes)
    return this.path(name)
  }

  /** What a program writes to standard output. */
  async run(name: string, ...args: readonly string[]): Promise<string> {
    const { path, environment } = await this.#programs.need(name, name, 'the measurement')
    const { stdout } = await run(path, args, { env: { ...process.env, ...environment } })
    return stdout
  }
}

function ofFormat(scheme: string, format: string): Storage {
  return {
    name: scheme,
    make: async (place) => {
      const path = place.path(`disk.${format}`)
      await place.run('qemu-img', 'create', '-q', '-f', format, path, `${place.bytes}`)
      return { storage: `${scheme}:${path}` }
    },
  }
}

/** Needs root. */
const LOOP: Storage = {
  name: 'phy',
  make: async (place) => {
    const file = await place.emptyFile('loop.img')
    const device = (await run('losetup', ['--find', '--show', file])).stdout.trim()
    return { storage: `phy:${device}`, end: async () => void (await run('losetup', ['--detach', device])) }
  },
}

/** Every scheme that comes with Paravane. */
export const STORAGES: readonly Storage[] = [
  { name: 'file', make: async (place) => ({ storage: `file:${await place.emptyFile('raw.img')}` }) },
  LOOP,
  { name: 'tap:aio', make: async (place) => ({ storage: `tap:aio:${await place.emptyFile('aio.img')}` }) },
  ofFormat('tap:qcow2', 'qcow2'),
  ofFormat('tap:vhd', 'vpc'),
  ofFormat('tap:vmdk', 'vmdk'),
]
