import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { runArgument } from '../../../apps/xend/src/guest-image/init-script.ts'
import { WORKLOAD } from '../bench-image.ts'
import type { Run } from '../kinds.ts'
import { type GuestShape, guestRun } from '../machines.ts'
import { interleaved, type PartInit, type Result } from '../part.ts'
import { rivalsCommand } from '../rivals-command.ts'
import { type Devices, startOurs, startTheirs } from './device-guest.ts'
import { obtainDeviceGuest } from './device-ramdisk.ts'
import { iperfLine } from './iperf-line.ts'

const MEMORY_MIB = 1024
const SECONDS = 5
/** Of the guest that serves, and of the one that measures. */
const SERVER = '10.0.9.2'
const CLIENT = '10.0.9.1'
const IPERF_PORT = 5201
const TRIPS_PORT = 5999
/** Of this machine's loopback, between two processes of the rival. */
const WIRE = '127.0.0.1:15203'
const SERVER_FILE = 'bench/neighbour'
const CLIENT_FILE = 'bench/neighbours'
const START_MS = 120_000

/** What two guests of this machine do with each other. */
export const NEIGHBOUR_LOADS: readonly { readonly name: string; readonly what: string }[] = [
  { name: 'guests-send', what: 'iperf3 from a guest to another of this host: time of 64 KiB' },
  { name: 'guests-round-trip', what: 'a byte over TCP to another guest and back' },
]

const upAs = (address: string): string =>
  `busybox ifconfig lo 127.0.0.1 up; busybox ifconfig eth0 ${address} netmask 255.255.255.0 up`

function scripts(names: readonly string[]): CpioEntry[] {
  const lines: Readonly<Record<string, string>> = {
    'guests-send': iperfLine({ name: 'guests-send', host: SERVER, port: IPERF_PORT, seconds: SECONDS }),
    'guests-round-trip': `${WORKLOAD} --trips guests-round-trip ${SERVER} ${TRIPS_PORT} ${SECONDS}`,
  }
  const serve = `${WORKLOAD} --serve-trips ${SERVER} ${TRIPS_PORT} & iperf3 --server --port ${IPERF_PORT} --forceflush`
  const wait = `until busybox ping -c 1 -w 1 ${SERVER} >/dev/null; do :; done; sleep 2`
  const file = (path: string, text: string): CpioEntry => ({ type: 'file', path, data: Buffer.from(text) })
  return [
    file(SERVER_FILE, [upAs(SERVER), serve].join('\n')),
    file(CLIENT_FILE, [upAs(CLIENT), wait, ...names.map((name) => lines[name])].join('\n')),
  ]
}

/** One end of the rival's wire. */
function theirs(end: 'listen' | 'connect', mac: string): Devices {
  return {
    ours: [{ type: 'vif', config: 'bridge=bench' }],
    theirs: ['-netdev', `socket,id=net,${end}=${WIRE}`, '-device', `virtio-net-pci,netdev=net,mac=${mac},romfile=`],
  }
}

/** iperf3 and round trips between two guests: on our switch, and on a socket between two processes of QEMU. */
export async function neighboursPart(init: PartInit): Promise<Result> {
  const { workload, names, qemu, progress } = init
  const files = await obtainDeviceGuest(workload, scripts(names), progress)
  const shape: GuestShape = { ...files, memory: MEMORY_MIB }
  const server = ` ${runArgument(`sh /${SERVER_FILE}`)}`
  const [near, far] = [theirs('connect', '52:54:00:00:00:01'), theirs('listen', '52:54:00:00:00:02')]
  const client = `sh /${CLIENT_FILE}`
  const tcg = async (): Promise<Run> => {
    const neighbour = startTheirs(qemu, shape, server, far)
    try {
      await neighbour.shows('Server listening', START_MS)
      return await guestRun((extra) => startTheirs(qemu, shape, extra, near), client, 'tcg')
    } finally {
      await neighbour.kill()
    }
  }
  const run = {
    paravane: () => guestRun((extra) => startOurs(shape, extra, near, init.kept, server), client, 'paravane'),
    tcg,
  }
  const load = [
    ...NEIGHBOUR_LOADS.filter(({ name }) => names.includes(name)).map(({ name, what }) => [name, what] as const),
    ['two guests in the rival', `${rivalsCommand(qemu, shape)} ${near.theirs.join(' ')}`] as const,
  ]
  return { rows: await interleaved('neighbours', run, init), load }
}
