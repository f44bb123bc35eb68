import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { WORKLOAD } from '../bench-image.ts'
import { type GuestShape, guestRun } from '../machines.ts'
import { interleaved, type PartInit, type Result } from '../part.ts'
import { rivalsCommand } from '../rivals-command.ts'
import { type Devices, startOurs, startTheirs } from './device-guest.ts'
import { obtainDeviceGuest } from './device-ramdisk.ts'
import { type HostServers, startHostServers } from './host-servers.ts'
import { iperfLine } from './iperf-line.ts'

const MEMORY_MIB = 1024
const SECONDS = 5
/** It is longer than a kernel's command line. */
const SCRIPT_FILE = 'bench/networks'
/** As QEMU's user network has them. */
const GUEST = '10.0.2.15'
const HOST = '10.0.2.2'

/** What a guest does with this host, through NAT. */
export const NET_LOADS: readonly { readonly name: string; readonly what: string }[] = [
  { name: 'net-send', what: 'iperf3 from the guest to this host: time of 64 KiB' },
  { name: 'net-receive', what: 'iperf3 from this host to the guest: time of 64 KiB' },
  { name: 'net-round-trip', what: 'a byte over TCP to this host and back' },
]

function netScript(names: readonly string[], { iperfPort, tripsPort }: HostServers): string {
  const iperf = { host: HOST, port: iperfPort, seconds: SECONDS }
  const lines: Readonly<Record<string, string>> = {
    'net-send': iperfLine({ name: 'net-send', ...iperf }),
    'net-receive': iperfLine({ name: 'net-receive', ...iperf, more: ' --reverse' }),
    'net-round-trip': `${WORKLOAD} --trips net-round-trip ${HOST} ${tripsPort} ${SECONDS}`,
  }
  const net = `busybox ifconfig lo 127.0.0.1 up; busybox ifconfig eth0 ${GUEST} netmask 255.255.255.0 up; busybox ping -c 1 -w 10 ${HOST} >/dev/null`
  return [net, ...names.map((name) => lines[name])].join('\n')
}

/** iperf3 and round trips between a guest and this host: our xen-netfront and QEMU's virtio-net. */
export async function networksPart(init: PartInit): Promise<Result> {
  const { workload, names, qemu, progress } = init
  const devices: Devices = {
    ours: [{ type: 'vif', config: 'bridge=nat' }],
    theirs: ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
  }
  const servers = await startHostServers(workload, progress)
  try {
    const script: CpioEntry = { type: 'file', path: SCRIPT_FILE, data: Buffer.from(netScript(names, servers)) }
    const shape: GuestShape = { ...(await obtainDeviceGuest(workload, [script], progress)), memory: MEMORY_MIB }
    const run = {
      paravane: () =>
        guestRun((extra) => startOurs(shape, extra, devices, init.kept), `sh /${SCRIPT_FILE}`, 'paravane'),
      tcg: () => guestRun((extra) => startTheirs(qemu, shape, extra, devices), `sh /${SCRIPT_FILE}`, 'tcg'),
    }
    const load = [
      ...NET_LOADS.filter(({ name }) => names.includes(name)).map(({ name, what }) => [name, what] as const),
      ['networks in the rival', `${rivalsCommand(qemu, shape)} ${devices.theirs.join(' ')}`] as const,
    ]
    return { rows: await interleaved('networks', run, init), load }
  } finally {
    await servers.stop()
  }
}
