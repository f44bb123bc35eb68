import { CODE_TABLE, CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { REC } from './record.ts'

/**
 * Dropping a vCPU's translations, which are all in its domain's memory: by its own thread, or by another that keeps it out
 * (mmu/safepoint.ts). The current record is forgotten; RIP holds.
 */

/** Writes beside the code of a frame after which it is taken for data. */
const MOST_WRITES = 64

/** Index in the views' `i32` of the pointer to a frame's code table. */
const slotOf = (vcpu: VcpuMemory, frameHost: number): number => (vcpu.i32(CPU.CODE_TABLES) >>> 2) + (frameHost >>> 12)

/** Host address of a frame's code table, 0 if nothing of it was translated. */
export function tableOf(vcpu: VcpuMemory, frameHost: number): number {
  return vcpu.views.i32[slotOf(vcpu, frameHost)]
}

/** Whether something of the frame may have been translated; of a vCPU that another thread may run. */
export function hasCode(vcpu: VcpuMemory, frameHost: number): boolean {
  return Atomics.load(vcpu.views.i32, slotOf(vcpu, frameHost)) !== 0
}

/**
 * The bytes of a frame were changed: drops its translations, and says so, if any of them is made from these bytes, or if the frame is
 * written beside them again and again.
 */
export function dropCode(vcpu: VcpuMemory, frameHost: number, from: number, length: number): boolean {
  const { i32 } = vcpu.views
  const table = tableOf(vcpu, frameHost)
  if (table === 0) return false
  // An instruction is at most 15 bytes long: one that begins up to 14 before the change may contain it.
  if (from < 15) forgetCrossings(vcpu, table)
  let touched = false
  for (let offset = Math.max(0, from - 14); offset < from + length && !touched; offset++)
    touched = i32[(table >>> 2) + offset] !== 0
  touched ||= inRegion(i32, table, from, length)
  if (!touched && ++i32[(table + CODE_TABLE.WRITES) >>> 2] < MOST_WRITES) return false
  dropTable(vcpu, frameHost)
  return true
}

/** Drops the translations of a frame that has some. */
export function dropTable(vcpu: VcpuMemory, frameHost: number): void {
  const { i32 } = vcpu.views
  const table = tableOf(vcpu, frameHost)
  forgetCrossings(vcpu, table)
  i32[slotOf(vcpu, frameHost)] = 0
  i32[table >>> 2] = vcpu.i32(CPU.FREE_TABLES)
  vcpu.setI32(CPU.FREE_TABLES, table)
  // They name the table.
  vcpu.flushExecuteTlb(false)
  vcpu.flushExecuteTlb(true)
  vcpu.setI32(CPU.REC, 0)
}

function inRegion(i32: Int32Array, table: number, from: number, length: number): boolean {
  const bits = (table + CODE_TABLE.GRANULES) >>> 2
  for (let n = from >>> 6; n <= (from + length - 1) >>> 6; n++) if (i32[bits + (n >> 5)] & (1 << (n & 31))) return true
  return false
}

function forgetCrossings(vcpu: VcpuMemory, table: number): void {
  const { i32 } = vcpu.views
  const first = (table + CODE_TABLE.CROSSINGS) >>> 2
  for (let place = first; place < first + CODE_TABLE.MOST_CROSSINGS; place++) {
    if (i32[place] === 0) continue
    i32[(i32[place] + REC.TARGET) >>> 2] = 0
    i32[place] = 0
    vcpu.setI32(CPU.REC, 0)
  }
}

/** Drops every translation, and makes the whole arena and all places of regions free. */
export function dropAllCode(vcpu: VcpuMemory): void {
  const start = vcpu.i32(CPU.ARENA_START)
  vcpu.views.u8.fill(0, vcpu.i32(CPU.CODE_TABLES), start)
  vcpu.setI32(CPU.ARENA_NEXT, start)
  vcpu.setI32(CPU.FREE_TABLES, 0)
  vcpu.setI32(CPU.NEXT_REGION, 0)
  vcpu.setI32(CPU.CODE_EPOCH, vcpu.i32(CPU.CODE_EPOCH) + 1)
  vcpu.setI32(CPU.REC, 0)
  vcpu.flushExecuteTlb(false)
  vcpu.flushExecuteTlb(true)
}
