import { CPU } from '../state/layout.ts'
import type { MemoryHash } from '../state/memory-hash.ts'
import { readRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import type { PvDomain } from './pv-domain.ts'
import { PV } from './pv-state.ts'

const FACTOR = 0x9e3779b97f4a7c15n
const FX_WORDS = 64
/** u64s of a vCPU beside its general registers, flags and FXSAVE image. */
const WORDS = [CPU.RIP, CPU.FSBASE, CPU.GSBASE, CPU.ICOUNT, PV.KERNEL_SP, PV.GS_KERNEL, PV.GS_USER] as const
const HALVES = [CPU.USER, CPU.COMPAT, PV.KERNEL_ROOT, PV.USER_ROOT, PV.CS, PV.SS, PV.DS, PV.ES, PV.FS, PV.GS] as const

/** See EnginePcpu.stateHash. */
export function stateHash(domain: PvDomain, hash: MemoryHash): bigint {
  const { frameBase, frames } = domain.plan
  let state = BigInt.asUintN(64, hash(frameBase, frameBase + frames * 4096))
  for (const vcpu of domain.vcpus) for (const word of wordsOf(vcpu)) state = BigInt.asUintN(64, (state ^ word) * FACTOR)
  return state
}

function* wordsOf(vcpu: VcpuMemory): Generator<bigint> {
  for (let n = 0; n < 16; n++) yield vcpu.gpr(n)
  yield readRflags(vcpu)
  for (const at of WORDS) yield vcpu.u64(at)
  for (const at of HALVES) yield BigInt(vcpu.i32(at) >>> 0)
  for (let n = 0; n < FX_WORDS; n++) yield vcpu.u64(CPU.FX + n * 8)
}
