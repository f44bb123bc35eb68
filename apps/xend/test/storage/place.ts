/** A folder of a test, with Debian's programs of storage beside it, and disks that are closed with it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, StorageDriver } from '@paravane/core'
import { HostPrograms } from '@paravane/core'
import { type ObtainableProgram, obtainPrograms } from '../../src/host-programs/obtain-programs.ts'

export class Place {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'storage-test-'))
  readonly programs: HostPrograms
  readonly #disks: Disk[] = []

  static async make(programs: readonly ObtainableProgram[]): Promise<Place> {
    return new Place(new HostPrograms(await obtainPrograms(programs, () => {})))
  }

  private constructor(programs: HostPrograms) {
    this.programs = programs
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** What the program writes to standard output. */
  async run(name: string, ...args: readonly string[]): Promise<string> {
    const { path, environment } = await this.programs.need(name, name, 'the test')
    const { stdout } = await promisify(execFile)(path, args, { env: { ...process.env, ...environment } })
    return stdout
  }

  async open(driver: StorageDriver, target: string, readonly: boolean = false): Promise<Disk> {
    const disk = await driver.open({ target, readonly })
    this.#disks.push(disk)
    return disk
  }

  async closeDisks(): Promise<void> {
    for (const disk of this.#disks.splice(0)) await disk.close()
  }

  async close(): Promise<void> {
    await this.closeDisks()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const pattern = (length: number, seed: number = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, n) => (n * 7 + (n >> 9) + seed) & 0xff)

export async function readBack(disk: Disk, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  await disk.read(offset, [bytes])
  return bytes
}
