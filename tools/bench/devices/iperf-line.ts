/** What a time of iperf3 is of. */
const UNIT_BYTES = 65_536

export interface IperfRun {
  /** Of the measure. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly seconds: number
  /** More arguments. */
  readonly more?: string
}

/** A line for sh that runs iperf3, and reports its time of 64 KiB. */
export function iperfLine({ name, host, port, seconds, more = '' }: IperfRun): string {
  const report = `/receiver/ { printf "@io ${name} net %.1f\\n", ${UNIT_BYTES * 8 * 1e9} / ($7 * 1000) } /iperf3: error/ { print "@fault " $0 }`
  return `iperf3 --client ${host} --port ${port} --time ${seconds} --omit 1 --format k${more} 2>&1 | awk '${report}'`
}
