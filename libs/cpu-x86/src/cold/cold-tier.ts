import type { Helper } from '../builder/builder.ts'
import { exactSoFar } from '../insn/exact-so-far.ts'
import { sseFront } from '../insn/sse-front.ts'
import type { CompiledRegion } from '../jit/compiled-regions.ts'
import { bodyModule } from './body-modules.ts'
import { coldModule } from './cold-module.ts'
import type { Entries } from './entries.ts'
import { type FormRegistry, sharedLoopForms } from './form-registry.ts'

/** Entries of a vCPU's function table in one thread: forms, then regions as they are made. */
export const TABLE = { FORMS: 0x8000, REGIONS: 0xc000, GROWTH: 0x1000 } as const

type Run = (vcpu: number) => number
type Fill = (vcpu: number, va: bigint, info: number) => number
type Lookup = (vcpu: number) => number
type Body = (vcpu: number, rec: number) => number

/** Functions in TypeScript that bodies call; see Helper. */
export type Helpers = Readonly<Record<Helper, (vcpu: number, a: number, b: number, c: number) => number>>

let compiled: WebAssembly.Module | undefined

/** The cold tier's code bound to one domain's memory in one thread. */
export class ColdTier {
  readonly table: WebAssembly.Table
  readonly run: Run
  readonly fill: Fill
  /** Record at RIP, or 0; PAGE_VA is its page's then. */
  readonly lookup: Lookup
  /** What regions call. */
  readonly #open: Fill
  readonly #settle: (vcpu: number) => void
  readonly #memory: WebAssembly.Memory
  readonly #forms: FormRegistry
  /** What bodies import beside what opens memory. */
  readonly #helpers: Readonly<Record<string, WebAssembly.ExportValue>>
  readonly #slow: (vcpu: number, info: number) => number
  readonly #steps: Body[] = []
  /** Of modules with regions. */
  readonly #instances = new Map<WebAssembly.Module, WebAssembly.Instance['exports']>()
  readonly #missing: Body

  constructor(
    memory: WebAssembly.Memory,
    forms: FormRegistry,
    helpers: Helpers,
    slow: (vcpu: number, info: number) => number,
    { trap, fault }: Entries,
  ) {
    this.#memory = memory
    this.#forms = forms
    this.#helpers = { ...helpers, sse: sseFront(memory, helpers.sse), exact: exactSoFar(memory) }
    this.#slow = slow
    this.table = new WebAssembly.Table({ initial: TABLE.FORMS, element: 'anyfunc' })
    compiled ??= new WebAssembly.Module(coldModule(sharedLoopForms()))
    const { exports } = new WebAssembly.Instance(compiled, {
      e: { m: memory, t: this.table, ...this.#helpers, trap, fault },
    })
    this.run = exports.run as Run
    this.fill = exports.fill as Fill
    this.lookup = exports.lookup as Lookup
    this.#open = exports.open as Fill
    this.#settle = exports.settle as (vcpu: number) => void
    for (let n = 0; n < TABLE.FORMS; n++) this.table.set(n, exports.missing as Body)
    this.#missing = exports.missing as Body
  }

  /** Makes the out-of-line body of a form and puts it in the table. */
  install(form: number): void {
    const { key, exemplar } = this.#forms.form(form)
    this.table.set(form, this.#instance(bodyModule(key, exemplar, 'out-of-line')).body as Body)
  }

  /** Whether there is anything in a place of the table. */
  has(place: number): boolean {
    return place < this.table.length && this.table.get(place) !== this.#missing
  }

  /** Makes the table long enough for places below `slots`, which records made by another thread may name. */
  reserve(slots: number): void {
    const { length } = this.table
    if (slots > length) this.table.grow(Math.max(slots - length, TABLE.GROWTH), this.#missing)
  }

  /** Empties all places of regions. */
  forgetRegions(): void {
    for (let slot = TABLE.FORMS; slot < this.table.length; slot++) this.table.set(slot, this.#missing)
    this.#instances.clear()
  }

  /** Puts a region's function in its place of the table. */
  installRegion(slot: number, { module, name }: CompiledRegion): void {
    this.reserve(slot + 1)
    const exports = this.#instances.get(module) ?? this.#instance(module)
    this.#instances.set(module, exports)
    this.table.set(slot, exports[name] as Body)
  }

  /** Runs the one instruction of a record with its memory opened in TypeScript. */
  step(vcpu: number, rec: number, form: number): number {
    let body = this.#steps[form]
    if (!body) {
      const { key, exemplar } = this.#forms.form(form)
      body = this.#instance(bodyModule(key, exemplar, 'step')).body as Body
      this.#steps[form] = body
    }
    return body(vcpu, rec)
  }

  #instance(module: WebAssembly.Module): WebAssembly.Instance['exports'] {
    const imports = {
      e: {
        m: this.#memory,
        ...this.#helpers,
        fill: this.fill,
        open: this.#open,
        settle: this.#settle,
        slow: this.#slow,
      },
    }
    return new WebAssembly.Instance(module, imports).exports
  }
}
