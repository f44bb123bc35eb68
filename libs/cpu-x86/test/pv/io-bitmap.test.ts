import { expect, test } from 'vitest'
import { toggleMode } from '../../src/pv/mode.ts'
import { PV } from '../../src/pv/pv-state.ts'
import { CODE, ON_GP, pvVcpu, STACK } from './pv-machine.ts'

const IN_AL = 0xec
const IN_EAX = 0xed
const OUT_AL = 0xee
const PORT = 0x80
/** The last byte of the page at STACK; nothing is mapped behind it. */
const LAST = STACK + 0xfffn

/** Where the vCPU is after the instruction with DX at `port`, without an IOPL, under the bitmap `bytes` at `at`. */
function after(
  instruction: number,
  port: number,
  bytes: readonly number[],
  { at = STACK, ports = 65536, user = true }: { at?: bigint; ports?: number; user?: boolean } = {},
): bigint {
  const pv = pvVcpu(Uint8Array.of(instruction, 0xf4), undefined, { iopl: 0, bitmap: at, count: ports })
  const { vcpu, memory } = pv
  memory.asKernel(at + BigInt(port >> 3), Uint8Array.from(bytes), true)
  vcpu.setGpr(2, BigInt(port))
  // The root of both modes.
  vcpu.setI32(PV.USER_ROOT, vcpu.i32(PV.KERNEL_ROOT))
  vcpu.setU64(PV.KERNEL_SP, STACK + 0x800n)
  if (user) toggleMode(vcpu)
  pv.run(1, true)
  return vcpu.rip
}

const DONE = CODE + 1n

test.each<[what: string, ...Parameters<typeof after>]>([
  ['of its own', IN_AL, PORT, [0xfe, 0xff]],
  ['of its own, to write it', OUT_AL, PORT, [0xfe, 0xff]],
  ['of its own, in kernel mode', IN_AL, PORT, [0xfe, 0xff], { user: false }],
  ['of its own, where the bitmap ends behind it', IN_AL, PORT, [0, 0], { ports: PORT + 1 }],
  ['of its own, where the page ends behind its bits', IN_AL, 7, [0x7f], { at: LAST }],
  ['of its own and the three behind it', IN_EAX, PORT + 6, [0x3f, 0xfc]],
])('a program reaches a port %s', (_what, ...how) => {
  expect(after(...how)).toBe(DONE)
})

test.each<[what: string, ...Parameters<typeof after>]>([
  ['whose bit is set', IN_AL, PORT, [0x01, 0]],
  ['whose bit is set, in kernel mode', IN_AL, PORT, [0x01, 0], { user: false }],
  ['that has one behind it whose bit is set', IN_EAX, PORT + 6, [0, 0x02]],
  ['behind the bitmap', IN_AL, PORT, [0, 0], { ports: PORT }],
  ['where the bitmap ends within the access', IN_EAX, PORT, [0, 0], { ports: PORT + 3 }],
  ['whose bits cannot be read', IN_AL, 8, [], { at: LAST }],
  ['behind which the bits cannot be read', IN_EAX, 6, [0], { at: LAST }],
])('a program does not reach a port %s', (_what, ...how) => {
  expect(after(...how)).toBe(ON_GP)
})
