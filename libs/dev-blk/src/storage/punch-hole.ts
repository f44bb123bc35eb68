import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type DiskDiscard, DiskError } from '@paravane/core'

const GRANULARITY = 4096

/**
 * Gives what is discarded back to the file system, as holes of the file. Node has no fallocate(2), so the program of util-linux does
 * it, one at a time: 2 ms each.
 */
export class HolePuncher {
  readonly #path: string
  readonly #fd: number
  #last: Promise<void> = Promise.resolve()

  constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  punch(offset: number, length: number): Promise<void> {
    // A part of a page is not given back, but would be written with zeros.
    const start = Math.ceil(offset / GRANULARITY) * GRANULARITY
    const end = Math.floor((offset + length) / GRANULARITY) * GRANULARITY
    if (end <= start) return Promise.resolve()
    const done = this.#last.then(() => this.#run(start, end - start))
    this.#last = done.catch(() => {})
    return done
  }

  #run(offset: number, length: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const args = ['--punch-hole', '--offset', String(offset), '--length', String(length), '/proc/self/fd/3']
    const child = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe', this.#fd] })
    let said = ''
    child.stderr?.on('data', (bytes: Buffer) => {
      if (said.length < 1000) said += bytes.toString()
    })
    child.on('error', (error) => reject(new DiskError('DISK_UNSUPPORTED', this.#path, `${PROGRAM}: ${error.message}`)))
    child.on('close', (status) => {
      if (status === 0) resolve()
      else reject(this.#failure(said.trim().split('\n')[0] ?? ''))
    })
    return promise
  }

  #failure(said: string): DiskError {
    const code = /not supported/.test(said) ? 'DISK_UNSUPPORTED' : 'DISK_IO'
    return new DiskError(code, this.#path, `no hole can be made in it: ${said}`)
  }
}

const PROGRAM = 'fallocate'

/** Of a regular file; undefined where the host has no program that can. */
export function holes(
  path: string,
  fd: number,
): Pick<DiskDiscard, 'granularity' | 'alignment' | 'discard'> | undefined {
  if (!onPath(PROGRAM)) return undefined
  const puncher = new HolePuncher(path, fd)
  return { granularity: GRANULARITY, alignment: 0, discard: (offset, length) => puncher.punch(offset, length) }
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
