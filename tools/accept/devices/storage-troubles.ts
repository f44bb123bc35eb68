/** What goes wrong behind a guest's disk and is mended: a file system of the host that is full, an NBD server that is dead. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { NbdExport } from '../../../apps/xend/test/storage/nbd-export.ts'
import type { ConsoleProcess } from '../console-process.ts'
import { HANG_MS } from '../debian-boot.ts'
import type { How, Outcome } from '../point.ts'
import { KEEP_JOURNAL, obtainJournalFiles } from './journal-guest.ts'
import { type Fault, type JournalGuest, Journals } from './journals.ts'
import { emptyFile, STORAGES, type Storage, withDisks } from './storages.ts'

const run = promisify(execFile)
const DISK_MIB = 64
const BULK_KIB = 40 << 10
/** Of the host's file system, at first and later. */
const ROOM_MIB = { small: 24, enough: 256 } as const
/** A disk is said to work again after some seconds without an error. */
const SAID_MS = 30_000
const LOOK_MS = 100
const FAILED = '@failed'
const AGAIN = '@again'

/**
 * Much is written beside the journal until it fails; then the file system is mended as by a user, until it takes as much again, twice: the room may
 * come in the middle of the first, which leaves a file system that has noted errors, for e2fsck.
 */
const SCRIPT = `${KEEP_JOURNAL} &
journal=$!
bulk() { dd if=/dev/urandom of=$folder/bulk bs=64k count=${BULK_KIB / 64} conv=fsync 2>/dev/null; }
while bulk; do :; done
echo "${FAILED}"
kill $journal; wait $journal
mended() { umount $folder; /sbin/e2fsck -f -y $disk >/dev/null 2>&1; mount -t ext4 $disk $folder && bulk && rm $folder/bulk && sync; }
until mended && mended; do sleep 1; done
echo "${AGAIN}"
while bulk; do sleep 1; done
`

interface Trouble {
  readonly name: string
  readonly storage: Storage
  /** What the operator is told of it. */
  readonly told: RegExp
  /** While a guest writes. */
  begins(): Promise<unknown>
  ends(): Promise<unknown>
}

/** The guest is told of errors and the operator of the reason, and afterwards the disk works again: no record that was durable is lost. */
export async function storageTroubles({ progress }: How): Promise<Outcome> {
  const files = await obtainJournalFiles(progress, SCRIPT)
  const troubles = [...STORAGES.filter(({ grows }) => grows).map(fullDisk), deadServer()]
  const faults: string[] = []
  let records = 0
  for (const trouble of troubles) {
    progress(`${trouble.name} ...`)
    const journals = new Journals(files, 1)
    faults.push(...(await suffered(trouble, journals)).map((fault) => `${trouble.name}: ${fault}`))
    records += journals.records[0]!
  }
  const good = faults.length === 0 ? 'told of and over, none of the durable records lost' : `${faults.length} faults`
  return {
    pass: faults.length === 0,
    value: `${troubles.map(({ name }) => name).join(', ')}: ${good} (${records})`,
    faults,
  }
}

async function suffered(trouble: Trouble, journals: Journals): Promise<readonly string[]> {
  const faults: string[] = []
  const work = async (made: readonly string[]): Promise<void> => {
    for (const ends of [(guest: JournalGuest) => suffers(guest, trouble), looks]) {
      const { before, now } = await journals.guest(made, ends)
      faults.push(...[...before, ...now].map(({ what }) => what))
    }
  }
  await withDisks([trouble.storage], DISK_MIB << 20, work).catch((error: Error) => faults.push(error.message))
  return faults
}

async function suffers(guest: JournalGuest, { begins, ends, told }: Trouble): Promise<readonly Fault[]> {
  const { machine } = guest
  await guest.begun()
  await begins()
  await machine.shows(FAILED, HANG_MS)
  await says(machine, told)
  await ends()
  await machine.shows(AGAIN, HANG_MS)
  await says(machine, / it works again/)
  process.kill(machine.pid, 'SIGKILL')
  return []
}

async function looks(guest: JournalGuest): Promise<readonly Fault[]> {
  await guest.looked()
  process.kill(guest.machine.pid, 'SIGKILL')
  return []
}

/** To the operator. */
async function says(machine: ConsoleProcess, what: RegExp): Promise<void> {
  const deadline = performance.now() + SAID_MS
  while (!what.test(machine.said)) {
    if (performance.now() > deadline) throw new Error(`the operator is told no ${what}, only: ${machine.said.trim()}`)
    await sleep(LOOK_MS)
  }
}

/** The image is in a tmpfs that has not the room for it, which needs root. */
function fullDisk({ name, make }: Storage): Trouble {
  let folder = ''
  const small: Storage = {
    name,
    make: async (at) => {
      folder = at.place.folder
      await run('mount', ['-t', 'tmpfs', '-o', `size=${ROOM_MIB.small}m`, 'paravane', folder])
      // A daemon may have its image for a moment longer.
      at.atEnd(() => run('umount', ['--lazy', folder]))
      return make(at)
    },
  }
  return {
    name: `a full disk under ${name}`,
    storage: small,
    told: / failed: .*no space/,
    begins: async () => {},
    ends: () => run('mount', ['-o', `remount,size=${ROOM_MIB.enough}m`, folder]),
  }
}

function deadServer(): Trouble {
  let server: NbdExport | undefined
  let start = async (): Promise<NbdExport> => Promise.reject(new Error('there is no disk'))
  const storage: Storage = {
    name: 'nbd',
    make: async (at) => {
      const image = await emptyFile(at, 'disk.img')
      start = () => NbdExport.start(at.place, image, at.place.path('nbd'))
      server = await start()
      at.atEnd(async () => server?.end())
      return `nbd:${server.target}`
    },
  }
  return {
    name: 'a dead NBD server',
    storage,
    told: / failed: .*nbd/,
    begins: async () => server?.kill(),
    ends: async () => {
      server = await start()
    },
  }
}
