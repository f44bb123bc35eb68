import type { Disk, StorageDriver, StorageRequest } from '../plugin/storage-driver.ts'
import { storageDataCases } from './storage-data.ts'
import { storageLifeCases } from './storage-life.ts'
import { storageRefusalCases } from './storage-refusals.ts'
import type { SuiteCase } from './suite-case.ts'

/** A storage driver to examine. */
export interface StorageSubject {
  /** Makes a disk of so many bytes, a multiple of 1 MiB, which reads as zeros. */
  readonly make: (size: number) => Promise<StorageFixture>
}

/** One disk that is there, and not open. */
export interface StorageFixture {
  readonly driver: StorageDriver
  /** What opens it, behind the scheme. */
  readonly target: string
  /** What opens it, too: another name of the same disk, where there is such a thing. */
  readonly alias?: string
  /** A target with nothing behind it. */
  readonly missing: string
  /** Makes the storage larger while the disk is open, where it would notice. */
  readonly grow?: (size: number) => Promise<void>
  /** The disk is closed: removes it. */
  readonly remove: () => Promise<void>
}

/**
 * The bar for storage, ours and others': what is written is read, in any pieces and side by side; what cannot be done is refused with
 * a line that names the target; and nothing is left under way.
 */
export function storageSuite(subject: StorageSubject): readonly SuiteCase[] {
  return [...storageDataCases, ...storageRefusalCases, ...storageLifeCases].map(({ name, size, run }) => ({
    name,
    run: async () => {
      const fixture = await subject.make(size)
      const bench = new StorageBench(fixture)
      try {
        await run(bench, subject)
      } finally {
        await bench.end()
        await fixture.remove()
      }
    },
  }))
}

/** A case that wants one disk. */
export interface StorageCase {
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly run: (bench: StorageBench, subject: StorageSubject) => Promise<void>
}

/** Opens the disk of a case, and closes at its end what the case has not. */
export class StorageBench {
  readonly fixture: StorageFixture
  readonly #open: Disk[] = []

  constructor(fixture: StorageFixture) {
    this.fixture = fixture
  }

  async open(request: Partial<StorageRequest> = {}): Promise<Disk> {
    const disk = await this.fixture.driver.open({ target: this.fixture.target, readonly: false, ...request })
    this.#open.push(disk)
    return disk
  }

  async close(disk: Disk): Promise<void> {
    this.#open.splice(this.#open.indexOf(disk), 1)
    await disk.close()
  }

  async end(): Promise<void> {
    for (const disk of this.#open.splice(0)) await disk.close()
  }
}
