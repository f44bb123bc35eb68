/** What a guest with journals says of one of its disks, on its console. */

/**
 * What is known of a disk: RUN:RECORD, the run of its journal and the last record of which that guest was told that it is durable;
 * `none` for no record, `new` for no file system.
 */
export type Known = string

export interface Report {
  /** What of the guest before is not as it has to be. */
  readonly faults: readonly string[]
  /** Of which this guest was told that they are durable. */
  readonly records: number
  /** Of the guest before. */
  readonly lookedFor: number
  /** For the guest after this one. */
  readonly known: Known
}

/** @param run this guest's */
export function readReport(shown: string, disk: string, known: Known, run: number): Report {
  const lines = (word: string): string[] => linesOf(shown, word, disk)
  const faults = lines('fault')
  if (faults.length > 0) faults.push(...lines('e2fsck'))
  const lost = lines('lost')
  if (lost.length > 0) faults.push(`record ${lost.join(', ')} lost, of those that were durable up to ${known}`)
  const isAnew = lines('anew').length > 0
  const isSeen = isAnew || lines('looked').length > 0
  const intact = Number(lines('intact')[0] ?? 0)
  if (faults.length === 0 && known !== 'new') {
    if (!isSeen) faults.push('nobody looked at it')
    else if (known !== 'none' && intact === 0) faults.push('nobody looked for its records')
  }
  const records = acknowledged(shown, disk)
  return { faults, records: records.length, lookedFor: intact + lost.length, known: next() }

  function next(): Known {
    if (records.length > 0) return `${run}:${records.at(-1)}`
    if (isAnew) return 'new'
    return isSeen ? 'none' : known
  }
}

/** Without lines into which the guest's kernel has written. */
export function acknowledged(shown: string, disk: string): number[] {
  return linesOf(shown, 'ack', disk)
    .filter((record) => /^[0-9]+$/.test(record))
    .map(Number)
}

/** What whole lines with this word say of a disk. The last line of a guest that was killed may be a part of it. */
export function linesOf(shown: string, word: string, disk: string): string[] {
  return [...shown.matchAll(new RegExp(`^@${word} ${disk}(?: (.*?))?\\r?\\n`, 'gm'))].map(([, rest = '']) => rest)
}
