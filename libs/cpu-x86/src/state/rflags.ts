import { CPU } from './layout.ts'
import type { VcpuMemory } from './vcpu-memory.ts'

const ARITHMETIC = 0x8d5n
const DF = 0x400n
const HIGH = 0xffff_ffffn << 32n

/** The whole RFLAGS of a vCPU that is not running translated code. */
export function readRflags(vcpu: VcpuMemory): bigint {
  return BigInt(rflagsLow(vcpu) >>> 0) | (vcpu.u64(CPU.RFLAGS) & HIGH)
}

/** Its low half, which is all that a processor has. */
export function rflagsLow(vcpu: VcpuMemory): number {
  const [fs, fc] = [vcpu.i32(CPU.FS + 4), vcpu.i32(CPU.FC + 4)]
  let parity = vcpu.i32(CPU.FS) & 255
  parity ^= parity >> 4
  const even = (0x9669 >> (parity & 15)) & 1
  let flags = vcpu.i32(CPU.RFLAGS) | 2 | (even << 2)
  if (fc < 0) flags |= 1
  if (vcpu.i32(CPU.FC) & 8) flags |= 16
  if ((vcpu.i32(CPU.FZ) | vcpu.i32(CPU.FZ + 4)) === 0) flags |= 64
  if (fs < 0) flags |= 128
  if ((fc ^ (fc << 1)) < 0) flags |= 2048
  if (vcpu.i32(CPU.DF) | vcpu.i32(CPU.DF + 4)) flags |= 1024
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
