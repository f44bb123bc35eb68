import { CodedError, type DomainRequest } from '@paravane/core'
import { compose } from '../../src/compose.ts'
import { obtainDebianGuest } from '../../src/guest-image/debian-guest.ts'
import { runArgument } from '../../src/guest-image/init-script.ts'
import { readGuestFile } from '../../src/start/guest-file.ts'

/** Retired instructions between two hashes. */
export const INTERVAL = 10_000_000n
/** What the guest does when it has booted, before it powers off: processes, pipes, files. */
const WORK =
  'for n in 1 2 3; do seq 1 $((n*1000)) | sort -r | md5sum; done; ls -lR /sys/class | md5sum; cat /proc/interrupts'

export interface HashedRun {
  /** State hashes, one each INTERVAL of retired instructions. */
  readonly hashes: readonly string[]
  /** What the guest showed. */
  readonly shown: string
  /** Why it ended; `destroyed` where `until` came first. */
  readonly reason: string
}

export interface HashedRunWish {
  readonly regions: boolean
  /** Retired instructions after which the run is broken off; none: it goes on to the guest's end. */
  readonly until?: bigint
  /** What is done besides, before the guest powers off. */
  readonly also?: string
  readonly devices?: DomainRequest['devices']
  readonly progress?: (line: string) => void
}

/** Boots Debian's cloud kernel under the virtual clock and takes its state hashes. */
export async function hashedRun({
  regions,
  until,
  also = 'true',
  devices = [],
  progress = () => {},
}: HashedRunWish): Promise<HashedRun> {
  const { kernel, ramdisk } = await obtainDebianGuest({ progress })
  const read = async (path: string): Promise<{ bytes: Buffer; name: string }> => ({
    bytes: await readGuestFile({ path, where: 'the cache' }, '/'),
    name: path,
  })
  const fault = Promise.withResolvers<never>()
  fault.promise.catch(() => {})
  const hypervisor = await compose({
    pcpus: 1,
    vcpus: 1,
    warn: (line) => fault.reject(new CodedError({ code: 'GUEST' }, line)),
  })
  try {
    const hashes: string[] = []
    const reached = Promise.withResolvers<void>()
    const domain = await hypervisor.createDomain({
      name: 'hashed',
      kernel: await read(kernel),
      ramdisk: await read(ramdisk),
      cmdline: `console=hvc0 ${runArgument(`${WORK}; ${also}`)}`,
      memory: 96,
      vcpus: 1,
      virtualClock: true,
      devices,
      regions,
      stateHashes: {
        every: INTERVAL,
        taken: (retired, hash) => {
          hashes.push(`${retired}:${hash.toString(16)}`)
          if (until !== undefined && retired >= until) reached.resolve()
        },
      },
    })
    let shown = ''
    domain.console.onOutput((bytes) => {
      shown += Buffer.from(bytes).toString('latin1')
    })
    domain.unpause()
    await Promise.race([domain.ended, reached.promise, fault.promise])
    await domain.destroy()
    const { reason } = await domain.ended
    const count = until === undefined ? hashes.length : Number(until / INTERVAL)
    return { hashes: hashes.slice(0, count), shown, reason }
  } finally {
    await hypervisor.stop()
  }
}

/** Where two runs part: undefined if all their hashes are equal and equally many. */
export function firstDifference(one: HashedRun, other: HashedRun): string | undefined {
  const length = Math.max(one.hashes.length, other.hashes.length)
  for (let n = 0; n < length; n++) {
    if (one.hashes[n] === other.hashes[n]) continue
    return `hash ${n + 1}: ${one.hashes[n] ?? 'no more'} against ${other.hashes[n] ?? 'no more'}`
  }
  return undefined
}
