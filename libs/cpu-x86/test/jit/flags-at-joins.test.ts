/** Flags are as something left them that depends on the way to where they are looked at. */
import { expect, test } from 'vitest'
import { Machine } from '../machine.ts'
import { Assembler } from './assembler.ts'

const CODE = 0x400000n
const STACK = 0x500000n
const DATA = 0x600000n
const [LOOP, OTHER, JOIN, NO_CARRY, END] = [0, 1, 2, 3, 4]
const ROUNDS = 60

/** What sets flags: all, some of them, or perhaps none. eax and ebx change from round to round; cl is 0 now and then. */
const SETTERS: Readonly<Record<string, readonly number[]>> = {
  nothing: [],
  'add eax, ebx': [0x01, 0xd8],
  'add ax, bx': [0x66, 0x01, 0xd8],
  'add al, bl': [0x00, 0xd8],
  'sub rax, rbx': [0x48, 0x29, 0xd8],
  'sub ah, bl': [0x28, 0xdc],
  'cmp eax, ebx': [0x39, 0xd8],
  'cmp al, bl': [0x38, 0xd8],
  'cmp [rbp], eax': [0x39, 0x45, 0x00],
  'adc eax, ebx': [0x11, 0xd8],
  'sbb ax, bx': [0x66, 0x19, 0xd8],
  'and eax, ebx': [0x21, 0xd8],
  'test al, bl': [0x84, 0xd8],
  'inc eax': [0xff, 0xc0],
  'dec al': [0xfe, 0xc8],
  'neg ebx': [0xf7, 0xdb],
  'shl eax, cl': [0xd3, 0xe0],
  'rol al, cl': [0xd2, 0xc0],
  'rcr ebx, cl': [0xd3, 0xdb],
  'sar ebx, 3': [0xc1, 0xfb, 3],
  'mul ebx': [0xf7, 0xe3],
  'bt eax, ecx': [0x0f, 0xa3, 0xc8],
  cmc: [0xf5],
  stc: [0xf9],
  sahf: [0x9e],
  'bsf ecx, ebx': [0x0f, 0xbc, 0xcb],
  'cmpxchg [rbp], ebx': [0x0f, 0xb1, 0x5d, 0x00],
  'xadd [rbp], ebx': [0x0f, 0xc1, 0x5d, 0x00],
}

/** What looks at flags, all of it or a part; esi takes it in. */
const READERS: readonly ((code: Assembler) => void)[] = [
  // pushf; pop rdx
  (code) => code.put(0x9c, 0x5a),
  // setc dl; setbe dh
  (code) => code.put(0x0f, 0x92, 0xc2, 0x0f, 0x96, 0xc6),
  // setg dl; seto dh; setp bl
  (code) => code.put(0x0f, 0x9f, 0xc2, 0x0f, 0x90, 0xc6, 0x0f, 0x9a, 0xc3),
  // adc edx, 0; sbb ebx, ebx
  (code) => code.put(0x83, 0xd2, 0, 0x19, 0xdb),
  // inc edx; rcl edx, 1
  (code) => code.put(0xff, 0xc2, 0xd1, 0xd2),
  // cmovl edx, eax; jnc over xor edx, 0x55
  (code) => code.put(0x0f, 0x4c, 0xd0).jcc(3, NO_CARRY).put(0x83, 0xf2, 0x55).label(NO_CARRY),
  // lahf; mov edx, eax
  (code) => code.put(0x9f, 0x89, 0xc2),
]

/** imul r9d, r9d, 1103515245; lea r9d, [r9 + 12345]; mov eax, r9d; mov ebx, r9d; bswap ebx */
const STIR = [
  ...[0x45, 0x69, 0xc9, 0x6d, 0x4e, 0xc6, 0x41, 0x45, 0x8d, 0x89, 0x39, 0x30, 0, 0],
  ...[0x44, 0x89, 0xc8, 0x44, 0x89, 0xcb, 0x0f, 0xcb],
]

/** @param n which reader */
function program(setters: readonly (readonly number[])[], n: number): Uint8Array {
  const code = new Assembler().label(LOOP)
  // mov ecx, eax; shr ecx, 25 (its low bits: 0 in one of four); and ecx, 3; bt eax, 20; jc to the other
  code.put(...STIR, 0x89, 0xc1, 0xc1, 0xe9, 25, 0x83, 0xe1, 3, 0x0f, 0xba, 0xe0, 20).jcc(2, OTHER)
  code
    .put(...setters[0])
    .jmp(JOIN)
    .label(OTHER)
    .put(...setters[1])
  READERS[n % READERS.length](code.label(JOIN))
  // lea esi, [rsi + rsi*2]; lea esi, [rsi + rdx]; xchg ecx, edi; loop on; jmp to the end; on: xchg ecx, edi
  code.put(0x8d, 0x34, 0x76, 0x8d, 0x34, 0x16, 0x87, 0xf9, 0xe2, 0x02, 0xeb, 0x07, 0x87, 0xf9)
  return code.jmp(LOOP).label(END).put(0xf4).finish()
}

const names = Object.keys(SETTERS)

/** Runs programs, each in a page of its own. */
function runner(regionThreshold: number): (code: Uint8Array) => unknown {
  const machine = new Machine({ regionThreshold })
  machine.map({ va: STACK })
  const data = machine.map({ va: DATA })
  let next = CODE
  return (code) => {
    const rip = next
    next += 4096n
    machine.write(machine.map({ va: rip }), code)
    machine.views.u64[data >> 3] = 1n
    const gpr = new Array<bigint>(16).fill(1n)
    gpr[4] = STACK + 0x800n
    gpr[5] = DATA
    gpr[7] = BigInt(ROUNDS)
    machine.state = { rip, gpr }
    const { count } = machine.runner.regions
    const stop = machine.run(100_000)
    if (regionThreshold) expect(machine.runner.regions.count).toBeGreaterThan(count)
    return { stop, ...machine.state }
  }
}

test.each(names)('%s, or something else', (one) => {
  const [cold, hot] = [0, 2].map(runner)
  const first = names.indexOf(one)
  // Both ways round are alike.
  for (const [n, other] of names.slice(0, first + 1).entries()) {
    const code = program([SETTERS[one], SETTERS[other]], n + first)
    const expected = cold(code)
    expect(expected).toMatchObject({ stop: 'trap' })
    expect(hot(code), `${one} or ${other}`).toEqual(expected)
  }
})
