/** Byte strings to decode: every opcode with many prefixes and forms of modrm, and random ones. Always the same. */

/** Bytes between the starts of two cases; more than the longest instruction. */
export const STRIDE = 16

const PREFIXES: readonly (readonly number[])[] = [
  [],
  [],
  [],
  [0x66],
  [0xf2],
  [0xf3],
  [0xf0],
  [0x67],
  [0x64],
  [0x65, 0x2e],
  [0x26],
  [0x66, 0xf3],
  [0xf2, 0x66],
  [0xf2, 0xf3],
  [0xf3, 0xf2],
  [0x67, 0x66],
  [0xf0, 0xf3],
  [0x48, 0x66],
]
const MAPS: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]

/** xorshift32. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** Each opcode of each map with each mandatory prefix, each modrm.reg, and a memory and a register form; the rest random. */
export function structuredCases(seed: number): Uint8Array {
  const random = randomNumbers(seed)
  const heads: number[][] = []
  for (const map of MAPS)
    for (let opcode = 0; opcode < 256; opcode++)
      for (const prefix of [[], [0x66], [0xf3], [0xf2], [0x48], [0x66, 0x4f]])
        for (let reg = 0; reg < 8; reg++)
          for (const isRegister of [false, true]) {
            const modrm = (isRegister ? 0xc0 : (random() % 3) << 6) | (reg << 3) | (random() & 7)
            heads.push([...prefix, ...map, opcode, modrm])
          }
  return fill(heads, random)
}

/** VEX prefixes of both forms with any register, W, L and map, mostly a map that exists, before any opcode. */
export function vexCases(seed: number): Uint8Array {
  const random = randomNumbers(seed)
  const heads: number[][] = []
  for (let opcode = 0; opcode < 256; opcode++)
    for (let n = 0; n < 64; n++) {
      const prefixes = n % 8 === 0 ? [PREFIXES[random() % PREFIXES.length]].flat() : []
      // Inverted registers: those that are not used must be ones.
      const last = (random() % 2 ? 0x78 : random() & 0x78) | (random() & 0x83) | (random() % 8 ? 0 : 4)
      const map = n % 16 === 0 ? random() & 31 : 1 + (random() % 3)
      const vex = n % 4 === 0 ? [0xc5, last] : [0xc4, (random() & 0xe0) | map, last]
      heads.push([...prefixes, ...vex, opcode])
    }
  for (let n = 0; n < 4000; n++) {
    const last = (random() % 2 ? 0x78 : random() & 0x78) | (random() & 0x83)
    heads.push([0xc4, (random() & 0xe0) | 2, last, 0xf0 | (random() & 7)])
    heads.push([0xc4, (random() & 0xe0) | 3, 0x7b | (random() & 0x80), 0xf0])
  }
  return fill(heads, random)
}

/** Mostly random: some prefixes, perhaps REX, one of the maps, then anything. */
export function randomCases(seed: number, count: number): Uint8Array {
  const random = randomNumbers(seed)
  const pick = <T>(list: readonly T[]): T => list[random() % list.length]
  const heads = Array.from({ length: count }, () => [
    ...pick(PREFIXES),
    ...(random() % 3 === 0 ? [0x40 | (random() & 15)] : []),
    ...pick(MAPS),
  ])
  return fill(heads, random)
}

function fill(heads: readonly (readonly number[])[], random: () => number): Uint8Array {
  const bytes = new Uint8Array(heads.length * STRIDE)
  for (let i = 0; i < bytes.length; i++) bytes[i] = random()
  for (const [n, head] of heads.entries()) bytes.set(head, n * STRIDE)
  return bytes
}
