import type { LayoutRequest } from './pv-layout.ts'

/** What a domain is built from. */
export interface BuildRequest extends LayoutRequest {
  /** The machine frame of each PFN of the domain; below 2^40. Called more than once for a PFN. */
  readonly pfnToMfn: (pfn: number) => number
  readonly sharedInfoMfn: number
  /** Ports of the guest that are bound to domain 0 for xenstore and for the console. */
  readonly storeEvtchn: number
  readonly consoleEvtchn: number
  /** SIF_* bits of start_info.flags beside SIF_MOD_START_PFN, which is set here. Default 0: a domU. */
  readonly flags?: number
}

/** The registers vCPU 0 starts with; the others start at 0, with an empty GDT, LDT and trap table, and a fresh FPU. */
export interface InitialVcpu {
  readonly rip: bigint
  readonly rsp: bigint
  readonly rsi: bigint
  readonly rflags: bigint
  readonly cs: number
  readonly ss: number
  readonly ds: number
  readonly es: number
  readonly fs: number
  readonly gs: number
  /** Machine address of the L4. There is no user root yet. */
  readonly cr3: bigint
  readonly kernelSs: number
  readonly kernelSp: bigint
  readonly dr6: bigint
  readonly dr7: bigint
  /** VGCF_* bits. */
  readonly flags: number
}

/** What the caller needs to go on: type and pin the tables, grant the rings to domain 0, start vCPU 0. */
export interface BuiltDomain {
  readonly vcpu: InitialVcpu
  readonly startInfoPfn: number
  readonly startInfoVa: bigint
  readonly storePfn: number
  readonly storeMfn: number
  readonly consolePfn: number
  readonly consoleMfn: number
  /** Every page table in the domain, L4 first. The L4 is to be pinned; the tables are mapped read-only. */
  readonly pageTables: readonly { readonly pfn: number; readonly level: 1 | 2 | 3 | 4 }[]
  readonly l4Pfn: number
  readonly l4Mfn: number
}
