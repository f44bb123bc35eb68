/** A function's body as text that can be read: expressions on one line, and what is open as indentation. */
import type { FunctionBody } from '../../src/wasm/module.ts'
import { fieldName, tlbName } from './state-names.ts'
import { ATOMICS, INFIX, LOADS, OPERATIONS, STORES } from './wasm-names.ts'

export interface TextOptions {
  /** Parameters before the locals. */
  readonly params: number
  /** Names of locals; the others get one by their type and in the order in which they appear. */
  readonly locals: ReadonlyMap<number, string>
  /** Of functions by index. */
  readonly functions: readonly { readonly name: string; readonly takes: number; readonly answers: boolean }[]
  /** Of the outermost labels. */
  readonly labels: readonly string[]
}

const PREFIX = { i32: 'w', i64: 'x', f32: 's', f64: 'd', v128: 'v' } as const
const [LOOP, IF, ELSE, END] = [0x03, 0x04, 0x05, 0x0b]

interface Open {
  readonly label: string
  readonly isLoop: boolean
}

class Printer {
  readonly lines: string[] = []
  readonly #body: FunctionBody
  readonly #options: TextOptions
  readonly #bytes: Uint8Array
  readonly #hints: ReadonlyMap<number, 0 | 1>
  readonly #names: Map<number, string>
  readonly #counts = { w: 0, x: 0, s: 0, d: 0, v: 0 }
  readonly #open: Open[] = []
  readonly #stack: string[] = []
  /** Locals that are set one after another from values that were all on the stack before. */
  #together: (readonly [name: string, value: string])[] = []
  #labels = 0
  #at = 0

  constructor(body: FunctionBody, options: TextOptions) {
    this.#body = body
    this.#options = options
    this.#bytes = body.code.view()
    this.#hints = new Map(body.code.hints)
    this.#names = new Map(options.locals)
  }

  print(): string[] {
    while (this.#at < this.#bytes.length) this.#instruction()
    return this.lines
  }

  #leb(isSigned: boolean): bigint {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = this.#bytes[this.#at++]
      value |= BigInt(byte & 127) << shift
      shift += 7n
      if (byte & 128) continue
      return isSigned && byte & 64 ? value - (1n << shift) : value
    }
  }

  #u32(): number {
    return Number(this.#leb(false))
  }

  #local(index: number): string {
    const known = this.#names.get(index)
    if (known !== undefined) return known
    const type = this.#body.locals[index - this.#options.params]
    const prefix = PREFIX[type]
    const name = `${prefix}${++this.#counts[prefix]}`
    this.#names.set(index, name)
    return name
  }

  #line(text: string): void {
    if (this.#stack.length > 0) throw new RangeError(`values are left before: ${text}`)
    this.#write(text)
  }

  #write(text: string): void {
    this.lines.push('  '.repeat(this.#open.length) + text)
  }

  #pop(count: number): string[] {
    if (this.#stack.length < count) throw new RangeError('values are missing')
    return this.#stack.splice(this.#stack.length - count)
  }

  #push(text: string): void {
    this.#stack.push(text)
  }

  /** Opcode, prefix and all. */
  #opcode(): number {
    const byte = this.#bytes[this.#at++]
    return byte < 0xfc || byte === 0xff ? byte : (byte << 16) | this.#u32()
  }

  #instruction(): void {
    const hint = this.#hints.get(this.#at)
    const op = this.#opcode()
    if (op < 0x12) this.#control(op, hint === undefined ? '' : hint ? ' likely' : ' unlikely')
    else if (op >= 0x20 && op <= 0x22) this.#variable(op)
    else if (op === 0x1a) this.#line(`drop ${bare(this.#pop(1)[0])}`)
    else if (op >= 0x41 && op <= 0x44) this.#constant(op)
    else if (op === 0xfd000c) this.#push(`v128(${this.#hex(16)})`)
    else if (op === 0xfd000d) this.#push(`shuffle(${this.#pop(2).map(bare).join(', ')}, ${this.#hex(16)})`)
    else if (op === 0xfc000a) this.#bulk('copy', 2)
    else if (op === 0xfc000b) this.#bulk('fill', 1)
    else if (STORES.has(op)) this.#store(STORES.get(op) as string)
    else if (ATOMICS.has(op)) this.#atomic(op)
    else this.#operation(op)
  }

  #hex(count: number): string {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count)
    this.#at += count
    return Buffer.from(bytes).toString('hex')
  }

  #bulk(name: string, immediates: number): void {
    this.#at += immediates
    this.#line(`memory.${name}(${this.#pop(3).map(bare).join(', ')})`)
  }

  #control(op: number, hint: string): void {
    if (op === 0x00) this.#line('unreachable')
    else if (op === 0x02 || op === LOOP) this.#begin(op === LOOP)
    else if (op === IF) this.#if(hint)
    else if (op === ELSE) this.#else()
    else if (op === END) this.#end()
    else if (op === 0x0c) this.#line(this.#way(this.#u32()))
    else if (op === 0x0d) {
      const [condition] = this.#pop(1)
      this.#line(`if${hint} ${bare(condition)}: ${this.#way(this.#u32())}`)
    } else if (op === 0x0e) this.#table()
    else if (op === 0x0f) this.#line(`return ${this.#pop(this.#stack.length).map(bare).join(', ')}`.trimEnd())
    else this.#call(op)
  }

  #begin(isLoop: boolean): void {
    this.#at++
    const label = this.#options.labels[this.#open.length] ?? `${isLoop ? 'loop' : 'join'}${++this.#labels}`
    this.#line(`${label}:`)
    this.#open.push({ label, isLoop })
  }

  #if(hint: string): void {
    this.#at++
    const [condition] = this.#pop(1)
    this.#line(`if${hint} ${bare(condition)}`)
    this.#open.push({ label: '', isLoop: false })
  }

  #else(): void {
    const top = this.#open.pop() as Open
    this.#line('else')
    this.#open.push(top)
  }

  #end(): void {
    const top = this.#open.pop()
    if (top) this.#line(top.label === '' ? 'end' : `end ${top.label}`)
  }

  #way(depth: number): string {
    const target = this.#open.at(-1 - depth)
    if (!target) return 'return'
    return target.isLoop ? `again ${target.label}` : `leave ${target.label || 'if'}`
  }

  #table(): void {
    const [value] = this.#pop(1)
    const ways = Array.from({ length: this.#u32() + 1 }, () => this.#way(this.#u32()))
    this.#line(`by ${bare(value)}: ${ways.join(', ')}`)
  }

  #call(op: number): void {
    const index = this.#u32()
    if (op !== 0x10) throw new RangeError(`unknown control instruction ${op}`)
    const { name, takes, answers } = this.#options.functions[index]
    const text = `${name}(${this.#pop(takes).map(bare).join(', ')})`
    if (answers) this.#push(text)
    else this.#line(text)
  }

  #variable(op: number): void {
    const name = this.#local(this.#u32())
    if (op === 0x20) {
      this.#push(name)
      return
    }
    const [value] = this.#pop(1)
    if (op === 0x22) {
      this.#push(`(${name} := ${bare(value)})`)
      return
    }
    this.#together.push([name, bare(value)])
    if (this.#stack.length > 0) return
    const sets = this.#together
    this.#together = []
    this.#write(`${sets.map(([to]) => to).join(', ')} = ${sets.map(([, from]) => from).join(', ')}`)
  }

  #constant(op: number): void {
    if (op <= 0x42) {
      this.#push(number(this.#leb(true), op === 0x41 ? 32 : 64))
      return
    }
    const size = op === 0x43 ? 4 : 8
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at)
    this.#at += size
    this.#push(`${size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)}`)
  }

  /** Alignment and offset of an access; the name of the place, or its address. */
  #place(address: string): string {
    this.#u32()
    const offset = this.#u32()
    if (address === 'cpu') return `cpu.${fieldName(offset)}`
    const tlb = tlbName(offset)
    if (tlb !== undefined) return `${tlb}[${bare(address)}]`
    return offset === 0 ? `[${bare(address)}]` : `[${bare(address)} + ${number(BigInt(offset), 64)}]`
  }

  #store(size: string): void {
    const [address, value] = this.#pop(2)
    this.#line(`${size} ${this.#place(address)} = ${bare(value)}`)
  }

  #atomic(op: number): void {
    const { name, takes } = ATOMICS.get(op) as { name: string; takes: number }
    const [address, ...values] = this.#pop(takes)
    this.#push(`${name}(${[this.#place(address), ...values.map(bare)].join(', ')})`)
  }

  #operation(op: number): void {
    const known = OPERATIONS.get(op)
    if (!known) throw new RangeError(`unknown instruction 0x${op.toString(16)} at ${this.#at}`)
    const { group, name, shape, takes } = known
    const operands = this.#pop(takes)
    if (shape === 'load') {
      this.#push(`${LOADS[name] || (name in LOADS ? group : `${group}.${name}`)}:${this.#place(operands[0])}`)
      return
    }
    const lane = shape === 'lane' ? `, ${this.#u32()}` : ''
    const isScalar = group.length === 3
    if (isScalar && name in INFIX) this.#push(`(${operands.join(` ${INFIX[name]} `)})`)
    else this.#push(`${isScalar || group === '' ? '' : `${group}.`}${name}(${operands.map(bare).join(', ')}${lane})`)
  }
}

/** Without the brackets around all of it. */
function bare(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text
  let depth = 0
  for (let n = 0; n < text.length; n++) {
    if (text[n] === '(') depth++
    else if (text[n] === ')' && --depth === 0 && n < text.length - 1) return text
  }
  return text.slice(1, -1)
}

/** Small ones in decimal, and what are bits in hexadecimal. */
function number(value: bigint, bits: number): string {
  if (value > -1024n && value < 1024n) return `${value}`
  if (value < 0n && value >= -0x100000n) return `-0x${(-value).toString(16)}`
  return `0x${BigInt.asUintN(bits, value).toString(16)}`
}

export function functionText(body: FunctionBody, options: TextOptions): string[] {
  return new Printer(body, options).print()
}
