/** The metrics of devices, as a table: what their back ends count. */
import { vdevName } from '@paravane/dev-blk'
import type { DeviceRow, DomainRow } from '../hypervisor/control-rows.ts'
import type { Metric, Sample } from '../stats/prometheus.ts'

/** What one fact of a back end is in a metric. */
interface Counted {
  readonly fact: string
  /** Labels besides the domain and the device. */
  readonly labels?: Readonly<Record<string, string>>
}

interface DeviceMetric {
  readonly type: DeviceRow['type']
  readonly name: string
  readonly help: string
  readonly counted: readonly Counted[]
}

const METRICS: readonly DeviceMetric[] = [
  {
    type: 'vbd',
    name: 'paravane_block_requests_total',
    help: 'Requests of a disk that were done, by what they asked for.',
    counted: [
      { fact: 'reads', labels: { operation: 'read' } },
      { fact: 'writes', labels: { operation: 'write' } },
      { fact: 'flushes', labels: { operation: 'flush' } },
      { fact: 'discards', labels: { operation: 'discard' } },
    ],
  },
  {
    type: 'vbd',
    name: 'paravane_block_bytes_total',
    help: 'Bytes that a guest has read from a disk, and written to it.',
    counted: [
      { fact: 'bytesRead', labels: { operation: 'read' } },
      { fact: 'bytesWritten', labels: { operation: 'write' } },
    ],
  },
  {
    type: 'vbd',
    name: 'paravane_block_errors_total',
    help: 'Requests of a disk that failed.',
    counted: [{ fact: 'failures' }],
  },
  // A port is seen from the network: what it receives the guest has sent.
  {
    type: 'vif',
    name: 'paravane_network_packets_total',
    help: 'Packets that a guest has sent by a network card, and received.',
    counted: [
      { fact: 'rxFrames', labels: { direction: 'sent' } },
      { fact: 'txFrames', labels: { direction: 'received' } },
    ],
  },
  {
    type: 'vif',
    name: 'paravane_network_bytes_total',
    help: 'Bytes of these packets.',
    counted: [
      { fact: 'rxBytes', labels: { direction: 'sent' } },
      { fact: 'txBytes', labels: { direction: 'received' } },
    ],
  },
  {
    type: 'vif',
    name: 'paravane_network_dropped_total',
    help: 'Packets that went nowhere: refused by the network, or more than the guest took.',
    counted: [
      { fact: 'rxDropped', labels: { direction: 'sent' } },
      { fact: 'txDropped', labels: { direction: 'received' } },
    ],
  },
  {
    type: 'vif',
    name: 'paravane_network_errors_total',
    help: 'Requests of a network card that made no sense.',
    counted: [{ fact: 'rxErrors' }],
  },
]

export function deviceMetrics(domains: readonly DomainRow[], devices: readonly DeviceRow[]): readonly Metric[] {
  const domainOf = new Map(domains.map((row) => [row.domid, row]))
  const samples = (device: DeviceRow, counted: readonly Counted[]): readonly Sample[] => {
    const domain = domainOf.get(device.domid)
    if (domain === undefined) return []
    const labels = { domain: domain.name, uuid: domain.uuid, device: nameOf(device) }
    return counted.flatMap(({ fact, labels: more }): readonly Sample[] => {
      const value = device.facts[fact]
      return typeof value === 'number' ? [[{ ...labels, ...more }, value]] : []
    })
  }
  return METRICS.map(({ type, name, help, counted }) => ({
    name,
    type: 'counter',
    help,
    samples: devices.filter((device) => device.type === type).flatMap((device) => samples(device, counted)),
  }))
}

const nameOf = ({ type, devid }: DeviceRow): string => (type === 'vbd' ? vdevName(devid) : String(devid))
