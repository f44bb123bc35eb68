import {
  type Clock,
  createDomainState,
  type DomainFrames,
  type GuestDomain,
  HypercallDispatcher,
  type HypercallRow,
  type HypervisorServices,
  type PortOps,
  VCPU,
} from '@paravane/core'
import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { PV, VECTOR } from '../../src/pv/pv-state.ts'
import { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { Machine } from '../machine.ts'

export const CODE = 0x400000n
export const ON_DB = 0x401000n
export const ON_GP = 0x402000n
export const STACK = 0x500000n
/** Frames of the shared_info and of the GDT's first page. */
export const SHARED_INFO: number = 300
export const GDT: number = 301
/** Descriptors of the GDT, by index: 32-bit data of ring 3 at 0x12345678. */
const DATA_SELECTOR = 12
const DESCRIPTOR = 0x12cff3345678ffffn
/** Of {@link DESCRIPTOR}. */
export const DATA32: number = DATA_SELECTOR * 8 + 3
export const DATA32_BASE = 0x12345678n

/** jmp to itself */
const STAY = Uint8Array.of(0xeb, 0xfe)

const CLOCK: Clock = { now: () => 0n, tsc: () => 0n, tscHz: 1, epoch: 0n }

/** The end of the domain is the test's, who may expect it. */
const SERVICES: Partial<HypervisorServices> = {
  reportCrash(_domid, reason) {
    throw new Error(reason)
  },
  reportBug(_domid, error) {
    throw error
  },
}

/** What physdev_op has set. IOPL 1: ports are the kernel's to reach. */
export interface PortAccess {
  readonly iopl: number
  readonly bitmap?: bigint
  readonly count?: number
}

/**
 * A vCPU of a guest's kernel that makes no hypercalls: `code` at CODE, `onDebug` where #DB goes, and a #GP stays at ON_GP. Its
 * stack is the page at STACK, RSP in the middle of it.
 */
export function pvVcpu(code: Uint8Array, onDebug: Uint8Array = STAY, ports: PortAccess = { iopl: 1 }): PvVcpu {
  const machine = new Machine()
  for (const [va, bytes] of [
    [CODE, code],
    [ON_DB, onDebug],
    [ON_GP, STAY],
  ] as const)
    machine.write(machine.map({ va }), bytes)
  machine.map({ va: STACK })
  const { vcpu, views } = machine
  const { pv, domain } = pvOn(machine)
  views.u64[(machine.host(GDT) >> 3) + DATA_SELECTOR] = DESCRIPTOR
  const kept = [domain.state.memory, domain.state.vcpu(0)] as const
  VCPU.iopl.store(...kept, ports.iopl)
  VCPU.iobitmap.store(...kept, ports.bitmap ?? 0n)
  VCPU.iobitmapPorts.store(...kept, ports.count ?? 0)
  vcpu.setU64(PV.TRAPS + VECTOR.DB * PV.TRAP_BYTES, ON_DB)
  vcpu.setU64(PV.TRAPS + VECTOR.GP * PV.TRAP_BYTES, ON_GP)
  machine.state = { rip: CODE, gpr: [0n, 0n, 0n, 0n, STACK + 0x800n], rflags: 0x202n }
  return pv
}

/** Of a machine with a PV vCPU. */
export interface PvMachineOptions {
  /** What hypercalls it has; none by default. `pv` is it. */
  readonly rows?: (pv: () => PvVcpu) => readonly HypercallRow[]
  /** Told of bytes written to frames with flags. */
  readonly written?: (frameHost: number, offset: number, length: number) => void
}

/** A machine's vCPU as one of a PV domain, in its kernel. The GDT is empty. */
export function pvOn(
  machine: Machine,
  { rows = () => [], written = () => {} }: PvMachineOptions = {},
): { readonly pv: PvVcpu; readonly domain: GuestDomain } {
  const { vcpu, views } = machine
  const domain: GuestDomain = {
    domid: 1,
    state: createDomainState({ domid: 1, nrVcpus: 1, maxPages: 1, sharedInfoFrame: SHARED_INFO }),
    memory: {
      bytes: views.u8 as Uint8Array,
      words: views.i32 as Int32Array,
      frameOffset: (gmfn) => machine.host(gmfn),
      written: () => {},
    },
    frames: {} as DomainFrames,
    ports: {} as PortOps,
  }
  const pv: PvVcpu = new PvVcpu(domain, 0, machine.runner, CLOCK, {
    dispatcher: new HypercallDispatcher([{ id: 'test', rows: rows(() => pv) }]),
    context: {
      domain,
      vcpu: 0,
      get guest() {
        return pv.memory.guest
      },
      clock: CLOCK,
      services: SERVICES as HypervisorServices,
    },
    policy: DEFAULT_POLICY,
    mustLeave: () => false,
    ldtPage: () => 0,
    newBaseptr: () => false,
    written,
  })
  vcpu.setI32(PV.KERNEL_ROOT, 1)
  vcpu.setI32(PV.GDT_FRAMES, GDT)
  vcpu.setI32(PV.GDT_ENTRIES, 512)
  vcpu.setI32(PV.CS, FLAT_RING3_CS64)
  vcpu.setI32(PV.SS, FLAT_RING3_SS64)
  return { pv, domain }
}
