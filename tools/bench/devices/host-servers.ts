import { join } from 'node:path'
import { ConsoleProcess } from '../../accept/console-process.ts'
import { obtainDeviceFolder } from './tree.ts'

const LOOPBACK = '127.0.0.1'
const START_MS = 10_000
/** Of this machine's ports, for as long as the bench runs. */
const IPERF_PORT = 15_201
const TRIPS_PORT = 15_202

export interface HostServers {
  readonly iperfPort: number
  readonly tripsPort: number
  stop(): Promise<void>
}

/** Debian's iperf3 from the guests' tree, and the workload's server of round trips, on this machine's loopback. */
export async function startHostServers(workload: string, progress: (line: string) => void): Promise<HostServers> {
  const tree = await obtainDeviceFolder(progress)
  const libraries = join(tree, 'usr/lib/x86_64-linux-gnu')
  const loader = join(libraries, 'ld-linux-x86-64.so.2')
  const iperf = new ConsoleProcess(loader, [
    ...['--library-path', libraries, join(tree, 'usr/bin/iperf3')],
    ...['--server', '--bind', LOOPBACK, '--port', `${IPERF_PORT}`, '--forceflush'],
  ])
  const trips = new ConsoleProcess(workload, ['--serve-trips', LOOPBACK, `${TRIPS_PORT}`])
  const stop = async (): Promise<void> => void (await Promise.all([iperf.kill(), trips.kill()]))
  try {
    await Promise.all([iperf.shows('Server listening', START_MS), trips.shows('@serving', START_MS)])
  } catch (error) {
    await stop()
    throw error
  }
  return { iperfPort: IPERF_PORT, tripsPort: TRIPS_PORT, stop }
}
