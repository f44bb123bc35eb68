/** A region's code as text: the guest's instructions and what is emitted for them. */
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86'
import { Locals } from '../../src/builder/locals.ts'
import { BODY_IMPORTS } from '../../src/cold/functions.ts'
import { decode } from '../../src/decode/decoder.ts'
import { regionCode } from '../../src/jit/region-code.ts'
import { regionLocals } from '../../src/jit/region-locals.ts'
import { regionFunction } from '../../src/jit/region-module.ts'
import type { FunctionBody } from '../../src/wasm/module.ts'
import { registerName } from './state-names.ts'
import { functionText, type TextOptions } from './wasm-text.ts'

export interface GoldenRegion {
  /** From the start of the page on. */
  readonly code: readonly number[]
  /** By offset: where the jump or call by address there has led. */
  readonly targets?: Readonly<Record<number, readonly number[]>>
  readonly bits?: 32 | 64
  /** With all that is at the entry and the end of the function, too, and how memory is reached. */
  readonly isWhole?: boolean
}

const LABELS = ['left', 'out', 'side'] as const
const PARAMS = 2
/** Between what is at one place and at the next. */
const FILLING = 0x90

function assembly({ code, bits = 64 }: GoldenRegion): string[] {
  const decoder = new Decoder(bits, Uint8Array.from(code), DecoderOptions.None)
  const formatter = new Formatter(FormatterSyntax.Intel)
  formatter.spaceAfterOperandSeparator = true
  const lines: string[] = []
  while (decoder.canDecode) {
    const at = decoder.position
    const insn = decoder.decode()
    if (code[at] === FILLING) continue
    lines.push(`; ${at.toString(16).padStart(3)}  ${formatter.format(insn)}`)
    insn.free()
  }
  decoder.free()
  formatter.free()
  return lines
}

function namesOf(body: FunctionBody): Map<number, string> {
  const at = regionLocals(new Locals(PARAMS))
  const { p, q, r } = at.flags.values
  const names = [
    [at.count, 'count'],
    [at.pageVa, 'page'],
    [at.rip, 'rip'],
    [at.site, 'site'],
    [at.selector, 'selector'],
    [at.flags.state, 'state'],
    [p, 'p'],
    [q, 'q'],
    [r, 'r'],
  ] as const
  const known = new Map<number, string>([
    [0, 'cpu'],
    [1, 'rec'],
  ])
  for (const [local, name] of names) known.set(local.op, name)
  return withRegisters(body, known)
}

/** Registers are what is loaded of them, or stored. */
function withRegisters(body: FunctionBody, known: Map<number, string>): Map<number, string> {
  const plain = options(new Map([[0, 'cpu']]))
  const index = new Map(body.locals.map((_, n) => [`#${n + PARAMS}`, n + PARAMS]))
  const numbered = {
    ...plain,
    locals: new Map([...plain.locals, ...[...index].map(([name, n]) => [n, name] as const)]),
  }
  for (const line of functionText(body, numbered)) {
    const loaded = /(?<name>#\d+) = i64:cpu\.(?<field>r\w+)$/.exec(line)
    const stored = /i64 cpu\.(?<field>r\w+) = (?<name>#\d+)$/.exec(line)
    const { name, field } = (loaded ?? stored)?.groups ?? {}
    if (name !== undefined && REGISTERS.has(field)) known.set(index.get(name) as number, field)
  }
  return known
}

const REGISTERS = new Set(Array.from({ length: 16 }, (_, n) => registerName(n)))

const options = (locals: ReadonlyMap<number, string>): TextOptions => ({
  params: PARAMS,
  locals,
  labels: LABELS,
  functions: [
    ...BODY_IMPORTS.map(([name, { params, results }]) => ({ name, takes: params.length, answers: results.length > 0 })),
    { name: 'open', takes: 3, answers: true },
    { name: 'settle', takes: 1, answers: false },
    { name: 'fill', takes: 3, answers: true },
  ],
})

/** What lies within the labels: the blocks. */
function inner(lines: readonly string[]): string[] {
  const [from, to] = [lines.indexOf('    side:'), lines.indexOf('    end side')]
  return lines.slice(from + 1, to).map((line) => line.slice(6))
}

export function regionText(golden: GoldenRegion): string {
  const page = new Uint8Array(4096).fill(0xf4)
  page.set(golden.code)
  const source = {
    decode,
    page: (delta: number) => (delta === 0 ? page : undefined),
    isReached: () => true,
    isTranslated: () => true,
    targets: (offset: number) => golden.targets?.[offset] ?? [],
  }
  const code = regionCode(source, 0, { bits: golden.bits ?? 64, isUser: false, isApart: false })
  if (!code) throw new TypeError('no region begins there')
  const body = regionFunction(code)
  const lines = functionText(body, options(namesOf(body)))
  const emitted = golden.isWhole ? lines.join('\n') : inner(lines).join('\n')
  return `${assembly(golden).join('\n')}\n\n${emitted}\n`
}
