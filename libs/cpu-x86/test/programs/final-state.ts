/** What is compared of the state in which a program ends, as bytes for its hash and as text for people. */
import { hash } from 'node:crypto'
import { AREAS, CODE, CODE_BYTES, type Final, type Program } from './layout.ts'
import { ALL_FLAGS } from './text.ts'

/** Arithmetic flags and DF. */
const FLAGS = 0xcd5
/** Parts of the FXSAVE image: control, status and tag word; MXCSR; ten bytes of each st register; xmm registers. */
const FX_PARTS: readonly (readonly [name: string, at: number, bytes: number])[] = [
  ['fcw', 0, 2],
  ['fsw', 2, 2],
  ['ftw', 4, 1],
  ['mxcsr', 24, 4],
  ...Array.from({ length: 8 }, (_, n) => [`st${n}`, 32 + 16 * n, 10] as const),
  ...Array.from({ length: 16 }, (_, n) => [`xmm${n}`, 160 + 16 * n, 16] as const),
]
const GPR_NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ')

/** RFLAGS without what is undefined at the instruction where the program ended; outside of the code without all of those. */
function flagsOf({ undefinedFlags }: Program, { rip, rflags }: Final): number {
  const offset = Number(rip) - CODE
  const isCode = offset >= 0 && offset < CODE_BYTES
  return rflags & FLAGS & ~(isCode ? undefinedFlags[offset] : ALL_FLAGS)
}

export const HASH_BYTES = 12

export function hashOf(program: Program, final: Final): Uint8Array {
  const head = new DataView(new ArrayBuffer(160))
  head.setUint16(0, final.vector, true)
  head.setUint16(2, final.error, true)
  head.setUint32(4, flagsOf(program, final), true)
  head.setBigUint64(8, final.address, true)
  head.setBigUint64(16, final.rip, true)
  for (const [n, value] of final.gpr.entries()) head.setBigUint64(24 + 8 * n, value, true)
  const fx = new Uint8Array(416)
  for (const [, at, bytes] of FX_PARTS) fx.set(final.fx.subarray(at, at + bytes), at)
  const all = new Uint8Array(head.byteLength + fx.length + final.image.length)
  all.set(new Uint8Array(head.buffer))
  all.set(fx, head.byteLength)
  all.set(final.image, head.byteLength + fx.length)
  return hash('sha1', all, 'buffer').subarray(0, HASH_BYTES)
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex')

/** One line for each part of a state; memory only where it differs from what the program began with. */
export function lines(program: Program, final: Final): string[] {
  const { vector, error, address, rip, gpr, fx, image } = final
  const changed = AREAS.flatMap((area) =>
    Array.from({ length: area.bytes / 8 }, (_, n) => area.offset + 8 * n)
      .filter((at) => !Buffer.from(image.subarray(at, at + 8)).equals(program.image.subarray(at, at + 8)))
      .map((at) => `[${(area.address + at - area.offset).toString(16)}] ${hex(image.subarray(at, at + 8))}`),
  )
  return [
    `exception ${vector}, error ${error}, address ${address.toString(16)}, at rip ${rip.toString(16)}`,
    ...Array.from(gpr, (value, n) => `${GPR_NAMES[n]} ${value.toString(16)}`),
    `flags ${flagsOf(program, final).toString(16)}`,
    ...FX_PARTS.map(([name, at, bytes]) => `${name} ${hex(fx.subarray(at, at + bytes))}`),
    ...changed,
  ]
}

/** Lines that only one of two states has, `-` those of the first. */
export function differences(program: Program, first: Final, second: Final): string[] {
  const [one, two] = [lines(program, first), lines(program, second)]
  return [
    ...one.filter((line) => !two.includes(line)).map((line) => `- ${line}`),
    ...two.filter((line) => !one.includes(line)).map((line) => `+ ${line}`),
  ]
}
