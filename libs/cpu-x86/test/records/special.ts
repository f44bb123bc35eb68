/** What single instructions need of their state, beyond values for the operands the table names. */
import { CODE, DATA, PAGE, READ_ONLY, STACK, UNMAPPED } from './layout.ts'
import { dataAddress, placementOf } from './placement.ts'
import type { State } from './state.ts'
import { double, extended, integer, single } from './values.ts'
import { isX87 } from './variants.ts'

const RAX = 0
const RCX = 1
const RDX = 2
const RSP = 4
const RBP = 5
const RDI = 7

type Special = (s: State) => void

function little(value: bigint, size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, value, true)
  return new Uint8Array(view.buffer).subarray(0, size)
}

/** Somewhere to go: code, nothing, data, no address. */
function jumpTarget({ random, variant }: State): bigint {
  switch (random.below(8)) {
    case 0:
      return BigInt(UNMAPPED + random.below(64))
    case 1:
      return BigInt(DATA + random.below(PAGE))
    case 2:
      return variant.mode === 64 ? 0x8000_0000_0000n + BigInt(random.below(99)) : BigInt(0x30000 + random.below(99))
    default:
      return BigInt(CODE + random.below(PAGE - 16))
  }
}

const indirectBranch: Special = (s) => {
  const target = jumpTarget(s)
  const operand = s.operand(0)
  if (operand?.kind === 'reg') s.gpr[operand.reg] = target
  else s.content = little(target, s.memoryBytes)
}

/** rsp where the placement says, and what is popped from there. */
const onStack: Special = (s) => {
  const size = s.encoding.insn.size === 1 ? 8 : s.encoding.insn.size
  const rsp = s.stackPointer(/^(pusha|popa)/.test(s.row.name) ? 8 * size : size)
  s.gpr[RSP] = rsp
  if (s.row.name === 'ret') s.patch(rsp, little(jumpTarget(s), size))
  if (s.row.name !== 'popf') return
  // TF and AC change how the host's own code runs. The noise of a page that takes no patch may have them.
  if (s.placement === 'readOnly') s.gpr[RSP] = BigInt(STACK + 0x900)
  s.patch(s.gpr[RSP] as bigint, little(BigInt((s.random.u32() & ~0x40100) >>> 0), size))
}

const frame: Special = (s) => {
  onStack(s)
  const fits = s.random.oneIn(2)
  if (s.row.name === 'leave') [s.gpr[RBP], s.gpr[RSP]] = [s.gpr[RSP] as bigint, s.int()]
  else if (fits) s.gpr[RBP] = (s.gpr[RSP] as bigint) + BigInt(s.random.below(256) - 32)
  else s.gpr[RBP] = s.stackPointer(32)
}

const exchange: Special = (s) => {
  if (s.random.oneIn(2)) return
  const [destination] = s.encoding.insn.operands
  const size = s.encoding.insn.size
  if (destination?.kind === 'mem') s.content = little(s.gpr[RAX] as bigint, size)
  else if (destination?.kind === 'reg' && !destination.high) s.gpr[RAX] = s.gpr[destination.reg] as bigint
}

const exchangeWide: Special = (s) => {
  if (s.random.oneIn(2)) return
  const half = s.memoryBytes / 2
  const bytes = new Uint8Array(s.memoryBytes)
  bytes.set(little(s.gpr[RAX] as bigint, half))
  bytes.set(little(s.gpr[RDX] as bigint, half), half)
  s.content = bytes
}

/** Quotients that fit, half of the time. */
const divide: Special = (s) => {
  const choice = s.random.below(4)
  if (choice === 0) return
  const rax = s.gpr[RAX] as bigint
  const sign = BigInt.asIntN(8 * s.encoding.insn.size, rax) < 0n && s.row.name === 'idiv'
  if (s.encoding.insn.size === 1) s.gpr[RAX] = (rax & ~0xff00n) | (sign ? 0xff00n : choice === 1 ? 0x100n : 0n)
  else s.gpr[RDX] = sign ? 0xffff_ffff_ffff_ffffn : choice === 1 ? 1n : 0n
}

/** Bit offsets reach around the operand; far ones would meet the host's own memory. */
const bitOffset: Special = (s) => {
  const [first, second] = s.encoding.insn.operands
  if (first?.kind !== 'mem' || second?.kind !== 'reg' || second.reg === RSP) return
  // Around the first addresses that are not canonical lie the host kernel's own, of whose faults it tells less.
  if (s.placement === 'refused' && s.wide) s.target = 0x7654_3210_0000_0000n
  const near = s.boundary ? s.random.pick([0, 1, -1, 31, 32, -32, 63, 64, -64, -65, 7, 8]) : s.random.below(8192) - 4096
  const bits = BigInt(8 * second.size)
  const old = s.gpr[second.reg] as bigint
  s.gpr[second.reg] = ((old >> bits) << bits) | BigInt.asUintN(8 * second.size, BigInt(near))
}

/** Runs that end by their count, by a difference, or by a fault. */
const stringRun: Special = (s) => {
  const { random, gpr, n } = s
  const { size, addressSize } = s.encoding.insn
  const elements = random.pick([0, 1, 2, 3, 5, 8, 9, 17])
  const back = (s.rflags & 0x400) !== 0
  const at = (placement: number): bigint => {
    const address = dataAddress(random, placementOf(placement), size, s.wide)
    return back && address < 1n << 31n && random.oneIn(2) ? address + BigInt(size * random.below(4)) : address
  }
  const [rsi, rdi] = [at(n), at(random.oneIn(2) ? n + 1 + random.below(15) : 0)]
  gpr[RDI] = random.oneIn(6) ? rsi + BigInt(random.below(33) - 16) : rdi
  s.target = rsi
  if (random.oneIn(8)) {
    s.target = BigInt(UNMAPPED - 64 + random.below(64))
    gpr[RDI] = BigInt(READ_ONLY - 64 + random.below(64))
    s.rflags &= ~0x400
  }
  const noise = addressSize === 8 ? 0n : BigInt(random.u32()) << 32n
  const isLong = random.oneIn(16) && (s.target === BigInt(UNMAPPED) || !back)
  gpr[RCX] = (noise & s.mask) | BigInt(isLong ? 200 : elements)
  const element = s.int(size)
  gpr[RAX] = element
  if (!/^(cmps|scas)/.test(s.row.name) || random.oneIn(4)) return
  const run = new Uint8Array(64)
  for (let k = 0; k < 64; k += size) run.set(little(element, size), k)
  if (random.oneIn(2)) run[random.below(40)] ^= 1
  const from = (address: bigint) => (back ? address - 48n : address)
  s.patch(from(s.target), run)
  if (random.oneIn(2)) run[random.below(40)] ^= 1
  s.patch(from(gpr[RDI] as bigint), run.slice())
  s.content = new Uint8Array(0)
}

const lengths: Special = (s) => {
  for (const reg of [RAX, RDX]) if (!s.random.oneIn(4)) s.gpr[reg] = BigInt.asUintN(64, BigInt(s.random.below(40) - 20))
}

const decimal: Special = (s) => {
  if (s.random.oneIn(3)) return
  const digits = (): number => s.random.below(10) | (s.random.below(10) << 4)
  s.content = Uint8Array.from({ length: 10 }, (_, n) => (n === 9 ? s.random.below(2) << 7 : digits()))
}

const controlRegister: Special = (s) => {
  const view = new DataView(s.content.buffer, s.content.byteOffset, s.content.byteLength)
  if (!s.random.oneIn(4)) view.setUint32(0, view.getUint32(0, true) & 0xffff, true)
}

const fxImage: Special = (s) => {
  const view = new DataView(s.content.buffer, s.content.byteOffset, s.content.byteLength)
  if (!s.random.oneIn(4)) view.setUint32(24, view.getUint32(24, true) & 0xffff, true)
}

/** Counters of loops: the last rounds. */
const counter: Special = (s) => {
  if (s.boundary)
    s.gpr[RCX] = s.random.pick([0n, 1n, 2n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n, 0x10000n, 0x10001n])
}

const SPECIALS: readonly (readonly [RegExp, Special])[] = [
  [/^(push|pop)(a|f)?$|^ret$/, onStack],
  [/^(enter|leave)$/, frame],
  [/^cmpxchg$/, exchange],
  [/^cmpxchg(8b|16b)$/, exchangeWide],
  [/^i?div$/, divide],
  [/^bt[src]?$/, bitOffset],
  [/^(movs|cmps|stos|lods|scas)$/, stringRun],
  [/^pcmpestr/, lengths],
  [/^fbld$/, decimal],
  [/^ldmxcsr$/, controlRegister],
  [/^fxrstor/, fxImage],
  [/^(loop|j[er]?cxz)/, counter],
]

/** Floating-point operands of x87 instructions in memory. */
function x87Content(s: State): void {
  const { row, random, boundary, content } = s
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  const isInteger = /^fi/.test(row.name)
  if (isInteger && content.length <= 8) content.set(little(integer(random, content.length, boundary), content.length))
  else if (content.length === 4) view.setUint32(0, single(random, boundary), true)
  else if (content.length === 8) view.setBigUint64(0, double(random, boundary), true)
  else if (content.length === 10) extended(random, boundary, view, 0)
}

export function applySpecials(s: State): void {
  const { row } = s
  if (isX87(row) && s.memory) x87Content(s)
  if (/^(call|jmp)$/.test(row.name)) {
    if (row.name === 'call') onStack(s)
    if (/^E/.test(row.operands)) indirectBranch(s)
  }
  for (const [name, special] of SPECIALS) if (name.test(row.name)) special(s)
}
