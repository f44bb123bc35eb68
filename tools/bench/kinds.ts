/** What is measured, and how kinds of it are named. */
export const KINDS = ['int', 'fp', 'bulk', 'kernel', 'boot', 'program', 'disk', 'net'] as const
export type Kind = (typeof KINDS)[number]

/** Those that run the workload: Paravane, its rival, and this machine itself. */
export const MACHINES = ['paravane', 'tcg', 'native'] as const
export type MachineName = (typeof MACHINES)[number]

/** One kernel or program, timed in one process. */
export interface Measure {
  readonly name: string
  readonly kind: Kind
  /** Of one call, ns: the median of this process. */
  readonly ns: number
  /** The least of this process, ns, where there were several. */
  readonly leastNs?: number
  /** Of the first call, ns, where there were more. */
  readonly coldNs?: number
  /** Absent where there is nothing to sum, as for a boot. */
  readonly checksum?: string
}

/** What one process of a machine reported. */
export interface Run {
  readonly measures: readonly Measure[]
  /** Linux and its build; absent on this machine, which has its own. */
  readonly linux?: string
  /** What programs see of the processor. */
  readonly cpu?: string
}

/** All processes of each machine. Either rival may have been left out. */
export type Samples = Readonly<Record<MachineName, readonly Run[]>>

/** What is compared, with medians over the processes, or the least times. */
export interface Row {
  readonly name: string
  readonly kind: Kind
  /** Our time over TCG's. */
  readonly vsTcg?: number
  /** Our time over this machine's. */
  readonly vsNative?: number
  /** The second guest's time over the first's. */
  readonly vsFirst?: number
  /** ns by machine. */
  readonly ns: Readonly<Partial<Record<MachineName, number>>>
  /** ns of the first call by machine. */
  readonly coldNs: Readonly<Partial<Record<MachineName, number>>>
}
