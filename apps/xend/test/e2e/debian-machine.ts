import type { DomainRequest, Hypervisor, RunningDomain } from '@paravane/core'
import { compose } from '../../src/compose.ts'
import { obtainDebianGuest } from '../../src/guest-image/debian-guest.ts'
import { readGuestFile } from '../../src/start/guest-file.ts'

/** A boot takes seconds, and its packages may have to be fetched first, on a machine busy with other tests. */
export const BOOT_LIMIT_MS = 300_000

/** A Debian guest on its console. */
export class DebianGuest {
  readonly domain: RunningDomain
  /** All that it has shown. */
  shown = ''
  #changed = Promise.withResolvers<void>()

  constructor(domain: RunningDomain) {
    this.domain = domain
    domain.console.onOutput((bytes) => {
      this.shown += Buffer.from(bytes).toString('latin1')
      this.#changed.resolve()
      this.#changed = Promise.withResolvers<void>()
    })
    domain.unpause()
  }

  /** Answers when it shows more, or with how it ended. */
  protected more(): Promise<Awaited<RunningDomain['ended']> | undefined> {
    return Promise.race([this.#changed.promise.then(() => undefined), this.domain.ended])
  }

  /** Waits for the guest to show something. @throws Error if it ends before */
  async see(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.shown)
      if (found) return found
      const end = await this.more()
      if (end && !what.test(this.shown))
        throw new Error(`ended by ${end.reason} without ${what}:\n${this.shown.slice(-6000)}`)
    }
  }

  async untilShell(): Promise<void> {
    await this.see(/paravane: shell ready/)
    // The prompt, whose escape asks where the cursor is.
    await this.see(/\/ # /)
  }

  type(line: string): void {
    this.domain.console.write(Buffer.from(`${line}\n`))
  }
}

/** A hypervisor that boots Debian's cloud kernel. */
export class DebianMachine {
  readonly hypervisor: Hypervisor
  /** What it said about itself. */
  readonly warnings: string[]
  readonly #files: Pick<DomainRequest, 'kernel' | 'ramdisk'>

  private constructor(hypervisor: Hypervisor, warnings: string[], files: Pick<DomainRequest, 'kernel' | 'ramdisk'>) {
    this.hypervisor = hypervisor
    this.warnings = warnings
    this.#files = files
  }

  static async start(pcpus: number): Promise<DebianMachine> {
    const { kernel, ramdisk } = await obtainDebianGuest({ progress: () => {} })
    const read = async (path: string): Promise<{ bytes: Buffer; name: string }> => ({
      bytes: await readGuestFile({ path, where: 'the cache' }, '/'),
      name: path,
    })
    const files = { kernel: await read(kernel), ramdisk: await read(ramdisk) }
    const warnings: string[] = []
    const hypervisor = await compose({ pcpus, vcpus: 1, warn: (line) => warnings.push(line) })
    return new DebianMachine(hypervisor, warnings, files)
  }

  /** A guest that begins to boot. */
  async boot(name: string, more: Partial<DomainRequest> = {}): Promise<DebianGuest> {
    const cmdline = 'console=hvc0 panic=-1'
    return new DebianGuest(
      await this.hypervisor.createDomain({ name, ...this.#files, cmdline, memory: 256, vcpus: 1, ...more }),
    )
  }
}
