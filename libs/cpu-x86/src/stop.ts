/** Why `VcpuRunner.run` came back. The vCPU's RIP holds the address of the instruction concerned, or of the next. */
export type Stop =
  /** The limit was reached, or somebody kicked. */
  | 'limit'
  /** VECTOR, ERROR (and ADDRESS for #PF) are set. */
  | 'fault'
  /** The instruction at RIP is for TypeScript. */
  | 'trap'
  /** A frame is absent: `runner.absent` is its gmfn. The instruction at RIP has had no effect. */
  | 'absent'

/** How often translated code may still be left for something costly before the caller looks at its clock. */
export interface ExitBudget {
  left: number
}

export const UNLIMITED: ExitBudget = { left: Number.POSITIVE_INFINITY }
