/** Machine code of each SSE operation with operands xmm0 and xmm1 (or mm0, mm1, eax, rax as the operation has it). */

const XMM0_XMM1 = 0xc1
const PREFIX = { ps: [], pd: [0x66], ss: [0xf3], sd: [0xf2] } as const
type Suffix = keyof typeof PREFIX

const STEMS: Readonly<Record<string, number>> = {
  add: 0x58,
  mul: 0x59,
  sub: 0x5c,
  min: 0x5d,
  div: 0x5e,
  max: 0x5f,
  sqrt: 0x51,
  rsqrt: 0x52,
  rcp: 0x53,
  cmp: 0xc2,
}

/** ModRM 0xc0 names register 0 twice: mm0/eax with xmm0, so operands are moved to match (see the test). */
const FIXED: Readonly<Record<string, readonly number[]>> = {
  comiss: [0x0f, 0x2f, XMM0_XMM1],
  ucomiss: [0x0f, 0x2e, XMM0_XMM1],
  comisd: [0x66, 0x0f, 0x2f, XMM0_XMM1],
  ucomisd: [0x66, 0x0f, 0x2e, XMM0_XMM1],
  addsubps: [0xf2, 0x0f, 0xd0, XMM0_XMM1],
  addsubpd: [0x66, 0x0f, 0xd0, XMM0_XMM1],
  haddps: [0xf2, 0x0f, 0x7c, XMM0_XMM1],
  haddpd: [0x66, 0x0f, 0x7c, XMM0_XMM1],
  hsubps: [0xf2, 0x0f, 0x7d, XMM0_XMM1],
  hsubpd: [0x66, 0x0f, 0x7d, XMM0_XMM1],
  dpps: [0x66, 0x0f, 0x3a, 0x40, XMM0_XMM1],
  dppd: [0x66, 0x0f, 0x3a, 0x41, XMM0_XMM1],
  roundps: [0x66, 0x0f, 0x3a, 0x08, XMM0_XMM1],
  roundpd: [0x66, 0x0f, 0x3a, 0x09, XMM0_XMM1],
  roundss: [0x66, 0x0f, 0x3a, 0x0a, XMM0_XMM1],
  roundsd: [0x66, 0x0f, 0x3a, 0x0b, XMM0_XMM1],
  cvtss2sd: [0xf3, 0x0f, 0x5a, XMM0_XMM1],
  cvtsd2ss: [0xf2, 0x0f, 0x5a, XMM0_XMM1],
  cvtps2pd: [0x0f, 0x5a, XMM0_XMM1],
  cvtpd2ps: [0x66, 0x0f, 0x5a, XMM0_XMM1],
  cvtdq2ps: [0x0f, 0x5b, XMM0_XMM1],
  cvtps2dq: [0x66, 0x0f, 0x5b, XMM0_XMM1],
  cvttps2dq: [0xf3, 0x0f, 0x5b, XMM0_XMM1],
  cvtdq2pd: [0xf3, 0x0f, 0xe6, XMM0_XMM1],
  cvtpd2dq: [0xf2, 0x0f, 0xe6, XMM0_XMM1],
  cvttpd2dq: [0x66, 0x0f, 0xe6, XMM0_XMM1],
  cvtpi2ps: [0x0f, 0x2a, XMM0_XMM1],
  cvtpi2pd: [0x66, 0x0f, 0x2a, XMM0_XMM1],
  cvtps2pi: [0x0f, 0x2d, XMM0_XMM1],
  cvttps2pi: [0x0f, 0x2c, XMM0_XMM1],
  cvtpd2pi: [0x66, 0x0f, 0x2d, XMM0_XMM1],
  cvttpd2pi: [0x66, 0x0f, 0x2c, XMM0_XMM1],
}

const INTEGER = { cvtsi2s: 0x2a, cvtts2si: 0x2c, cvts2si: 0x2d } as const

/** @param imm the immediate of the operations that have one */
export function encodeSse(name: string, imm: number): readonly number[] {
  const fixed = FIXED[name]
  if (fixed !== undefined) return fixed[1] === 0x0f && fixed[2] === 0x3a ? [...fixed, imm] : fixed
  const [mnemonic = '', width] = name.split('.')
  if (width !== undefined) {
    const letter = mnemonic.startsWith('cvtsi2') ? mnemonic.at(-1) : mnemonic.at(-4)
    const key = mnemonic.startsWith('cvtsi2') ? 'cvtsi2s' : mnemonic.startsWith('cvtt') ? 'cvtts2si' : 'cvts2si'
    const modrm = key === 'cvtsi2s' ? 0xc0 : XMM0_XMM1
    return [letter === 's' ? 0xf3 : 0xf2, ...(width === '64' ? [0x48] : []), 0x0f, INTEGER[key], modrm]
  }
  const opcode = STEMS[mnemonic.slice(0, -2)]
  const prefix = PREFIX[mnemonic.slice(-2) as Suffix]
  if (opcode === undefined || prefix === undefined) throw new Error(`no encoding for ${name}`)
  return [...prefix, 0x0f, opcode, XMM0_XMM1, ...(opcode === 0xc2 ? [imm] : [])]
}
