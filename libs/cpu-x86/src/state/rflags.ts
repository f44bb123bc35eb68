import { CPU } from './layout.ts'
import type { VcpuMemory } from './vcpu-memory.ts'

const ARITHMETIC = 0x8d5n
const DF = 0x400n
const SIGN = 1n << 63n

/** The whole RFLAGS of a vCPU that is not running translated code. */
export function readRflags(vcpu: VcpuMemory): bigint {
  const fs = vcpu.u64(CPU.FS)
  const fc = vcpu.u64(CPU.FC)
  let parity = Number(fs & 255n)
  parity ^= parity >> 4
  const even = ((0x9669 >> (parity & 15)) & 1) as 0 | 1
  let flags = vcpu.u64(CPU.RFLAGS) | 2n
  if (fc & SIGN) flags |= 1n
  if (even) flags |= 4n
  if (fc & 8n) flags |= 16n
  if (vcpu.u64(CPU.FZ) === 0n) flags |= 64n
  if (fs & SIGN) flags |= 128n
  if ((fc ^ (fc << 1n)) & SIGN) flags |= 2048n
  if (vcpu.u64(CPU.DF)) flags |= DF
  return flags
}

/** Sets all of RFLAGS. */
export function writeRflags(vcpu: VcpuMemory, flags: bigint): void {
  const bit = (n: bigint) => (flags >> n) & 1n
  vcpu.setU64(CPU.FZ, bit(6n) ^ 1n)
  vcpu.setU64(CPU.FS, (bit(7n) << 63n) | (bit(2n) ^ 1n))
  vcpu.setU64(CPU.FC, (bit(0n) << 63n) | ((bit(0n) ^ bit(11n)) << 62n) | (bit(4n) << 3n))
  vcpu.setU64(CPU.DF, bit(10n))
  vcpu.setU64(CPU.RFLAGS, flags & ~(ARITHMETIC | DF))
}
