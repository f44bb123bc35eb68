/** xentop's lines of network cards and disks (tools/xenstat/xentop/xentop.c of Xen 4.1, do_network and do_vbd). */
import type { TopCard, TopDisk, TopTraffic } from '../../daemon/top-devices.ts'

const wide = (value: number, width: number): string => String(value).padStart(width)

const traffic = ({ bytes, packets, errors, drops }: TopTraffic): string =>
  `${wide(bytes, 8)}bytes ${wide(packets, 8)}pkts ${wide(errors, 8)}err ${wide(drops, 8)}drop`

export const cardLine = ({ rx, tx }: TopCard, n: number): string => `Net${n} RX: ${traffic(rx)}  TX: ${traffic(tx)}`

/** No request waits for grants that there are no more of: OO is 0. */
export function diskLine({ devid, reads, writes, readSectors, writtenSectors }: TopDisk): string {
  const hex = (value: number): string => value.toString(16).padStart(2)
  const numbers = `[${hex((devid >> 8) & 0xfff)}:${hex(devid & 0xff)}]`
  const requests = `OO: ${wide(0, 8)}   RD: ${wide(reads, 8)}   WR: ${wide(writes, 8)}`
  const sectors = `RSECT: ${wide(readSectors, 10)}   WSECT: ${wide(writtenSectors, 10)}`
  return `VBD BlkBack ${wide(devid, 4)} ${numbers}  ${requests}   ${sectors}`
}
