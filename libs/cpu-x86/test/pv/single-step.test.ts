import {
  type Clock,
  createDomainState,
  type DomainFrames,
  type GuestDomain,
  HypercallDispatcher,
  type HypervisorServices,
  type PortOps,
} from '@paravane/core'
import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { expect, test } from 'vitest'
import { PV, VECTOR } from '../../src/pv/pv-state.ts'
import { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU } from '../../src/state/layout.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
const ON_DB = 0x401000n
const ON_GP = 0x402000n
const STACK = 0x500000n
const SHARED_INFO = 300
const TF = 0x100n

/** Five times inc rax; then hlt, which a guest may not do at all. */
const STEPPED = Uint8Array.of(...new Array(5).fill([0x48, 0xff, 0xc0]).flat(), 0xf4)
/** add rsp, 16; or dword [rsp + 8], 3; inc rbx; iretq */
const COUNT_AND_RETURN = Uint8Array.of(
  ...[0x48, 0x83, 0xc4, 0x10, 0x83, 0x4c, 0x24, 0x08, 0x03],
  ...[0x48, 0xff, 0xc3, 0x48, 0xcf],
)
/** jmp to itself */
const STAY = Uint8Array.of(0xeb, 0xfe)

const CLOCK: Clock = { now: () => 0n, tsc: () => 0n, tscHz: 1, epoch: 0n }

/** A vCPU of a guest that makes no hypercalls. */
function pvVcpu(): PvVcpu {
  const machine = new Machine()
  for (const [va, bytes] of [
    [CODE, STEPPED],
    [ON_DB, COUNT_AND_RETURN],
    [ON_GP, STAY],
  ] as const)
    machine.write(machine.map({ va }), bytes)
  machine.map({ va: STACK })
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
    dispatcher: new HypercallDispatcher([]),
    context: {
      domain,
      vcpu: 0,
      get guest() {
        return pv.memory.guest
      },
      clock: CLOCK,
      services: {} as HypervisorServices,
    },
    policy: DEFAULT_POLICY,
    mustLeave: () => false,
    ldtPage: () => 0,
    newBaseptr: () => false,
    written: () => {},
  })
  vcpu.setI32(PV.KERNEL_ROOT, 1)
  vcpu.setI32(PV.CS, FLAT_RING3_CS64)
  vcpu.setI32(PV.SS, FLAT_RING3_SS64)
  vcpu.setU64(PV.TRAPS + VECTOR.DB * PV.TRAP_BYTES, ON_DB)
  vcpu.setU64(PV.TRAPS + VECTOR.GP * PV.TRAP_BYTES, ON_GP)
  machine.state = { rip: CODE, gpr: [0n, 0n, 0n, 0n, STACK + 0x800n], rflags: TF | 0x202n }
  return pv
}

/** What the frame on the vCPU's stack says of where it came from; RCX and R11 are below. */
function interrupted({ memory, vcpu }: PvVcpu): { rip: bigint; tf: boolean } {
  const bytes = new Uint8Array(40)
  expect(memory.asKernel(vcpu.gpr(4) + 16n, bytes, false)).toBeUndefined()
  const words = new BigUint64Array(bytes.buffer)
  return { rip: words[0], tf: (words[2] & TF) !== 0n }
}

test('a vCPU with TF set is in its #DB handler after one instruction, with TF clear', () => {
  const pv = pvVcpu()
  expect(pv.run(1, true)).toBe('limit')
  const { vcpu } = pv
  expect([vcpu.gpr(0), vcpu.rip, vcpu.u64(CPU.RFLAGS) & TF]).toEqual([1n, ON_DB, 0n])
  expect(interrupted(pv)).toEqual({ rip: CODE + 3n, tf: true })
})

test('a handler that returns sees every instruction; one that faults goes to its own handler instead', () => {
  const pv = pvVcpu()
  expect(pv.run(100, true)).toBe('limit')
  const { vcpu } = pv
  expect([vcpu.gpr(0), vcpu.gpr(3), vcpu.rip]).toEqual([5n, 5n, ON_GP])
})
