import { ColdTier } from '../../libs/cpu-x86/src/cold/cold-tier.ts'
import { RegionBuilder } from '../../libs/cpu-x86/src/jit/region-builder.ts'
import { RegionFlow } from '../../libs/cpu-x86/src/jit/region-flow.ts'
import { KeptReader } from '../../libs/cpu-x86/src/kept/kept-file.ts'
import { Exits } from './exits.ts'
import { regionPlaces } from './region-places.ts'
import type { FunctionKind, Install, MadeModule, MadeRegion, ProfiledFunction, ThreadRecord } from './thread-record.ts'
import { moduleFunctions, withNames } from './wasm-sections.ts'

/** The custom section that says which module of which thread it is. */
const SECTION = 'paravane.profile'

/** Exits between two looks at where regions run. */
const LOOK = 64

type Run = (vcpu: number) => number
type Compiled = Omit<MadeModule, 'ms'>

/**
 * Notes what this thread compiles and why translated code is left. It stands in the place of what the engine calls, so the engine
 * knows nothing of it and is as fast without.
 */
export class Recorder {
  readonly #thread: string
  readonly #exits = new Exits()
  readonly #functions: ProfiledFunction[] = []
  /** By the name of a function: addresses. */
  readonly #places = new Map<string, Set<number>>()
  /** Of each vCPU's cold tier, which its `run` stands for: functions by their place in its table. */
  readonly #slots = new Map<unknown, Map<number, string>>()
  readonly #regions: MadeRegion[] = []
  readonly #modules: MadeModule[] = []
  /** Modules that have their names. */
  readonly #known = new WeakMap<Uint8Array, Compiled>()
  #last = 0
  readonly #instances = { count: 0, ms: 0 }

  constructor(thread: string) {
    this.#thread = thread
  }

  begin(): void {
    this.#watchModules()
    this.#watchKept()
    this.#watchInstances()
    this.#watchRegions()
    this.#watchEmitted()
  }

  record(profiles: ThreadRecord['profiles']): ThreadRecord {
    return {
      thread: this.#thread,
      ms: performance.now(),
      functions: this.#functions,
      installs: [...this.#places].flatMap(([name, rips]) => [...rips].map((rip): Install => ({ name, rip }))),
      regions: this.#regions,
      modules: this.#modules,
      instances: this.#instances,
      exits: this.#exits.result(),
      profiles,
    }
  }

  /** Functions get names, which V8's profiler has no others for. */
  #watchModules(): void {
    const named = (bytes: Uint8Array<ArrayBuffer>): readonly [Uint8Array<ArrayBuffer>, Compiled] => {
      const all = this.#named(bytes, false)
      return [all, this.#known.get(all) as Compiled]
    }
    const done = (module: Compiled, begin: number): void =>
      void this.#modules.push({ ...module, ms: performance.now() - begin })
    const compile = WebAssembly.compile
    WebAssembly.Module = class Module extends WebAssembly.Module {
      constructor(bytes: Uint8Array<ArrayBuffer>) {
        const [all, made] = named(bytes)
        const begin = performance.now()
        super(all)
        done(made, begin)
      }
    } as typeof WebAssembly.Module
    WebAssembly.compile = async (bytes) => {
      const [all, made] = named(bytes as Uint8Array<ArrayBuffer>)
      const begin = performance.now()
      const module = await compile(all)
      done(made, begin)
      return module
    }
  }

  /** Machine code that V8 made for an earlier process goes without the compiler: its module is known by the bytes that are read with it. */
  #watchKept(): void {
    const { parts } = KeptReader.prototype
    const named = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => this.#named(bytes, true)
    KeptReader.prototype.parts = function (record) {
      const found = parts.call(this, record)
      return found && record.kind === 'module' ? { ...found, first: named(found.first) } : found
    }
  }

  #named(bytes: Uint8Array<ArrayBuffer>, isKept: boolean): Uint8Array<ArrayBuffer> {
    if (this.#known.has(bytes)) return bytes
    const { exported, own, size } = moduleFunctions(bytes)
    const kind = kindOf(exported.map(([name]) => name))
    const id = `${this.#thread}.${this.#last++}`
    const labels = new Map(exported.map(([name, index]) => [index, name]))
    const names: [number, string][] = []
    for (let index = own[0]; index < own[1]; index++)
      names.push([index, `${kind} ${id}.${labels.get(index) ?? `inner${index}`}`])
    for (const [index, name] of names) this.#functions.push({ name, bytes: size(index), isKept })
    const all = withNames(bytes, names, [SECTION, id])
    this.#known.set(all, { at: performance.now(), kind, functions: exported.length, bytes: bytes.length })
    return all
  }

  #watchInstances(): void {
    const made = (ms: number): void => {
      this.#instances.count++
      this.#instances.ms += ms
    }
    const counting = (run: Run, memory: WebAssembly.Memory): Run => this.#counting(run, memory)
    const { Instance } = WebAssembly
    /** Stands for the instance, of which nobody wants more than its exports. */
    WebAssembly.Instance = function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports) {
      const begin = performance.now()
      const { exports } = new Instance(module, imports)
      made(performance.now() - begin)
      const isCold = 'run' in exports && 'lookup' in exports
      if (!isCold) return { exports }
      return { exports: { ...exports, run: counting(exports.run as Run, imports.e.m as WebAssembly.Memory) } }
    } as unknown as typeof WebAssembly.Instance
  }

  #counting(run: Run, memory: WebAssembly.Memory): Run {
    const i32 = new Int32Array(memory.buffer)
    const slots = new Map<number, string>()
    const found = (slot: number, rip: number): void => {
      const name = slots.get(slot)
      if (name === undefined) return
      const rips = this.#places.get(name)
      if (rips) rips.add(rip)
      else this.#places.set(name, new Set([rip]))
    }
    let exits = 0
    const counted = (vcpu: number): number => {
      const exit = run(vcpu)
      this.#exits.count(i32, vcpu, exit)
      if (++exits % LOOK === 0) regionPlaces(i32, vcpu, found)
      return exit
    }
    this.#slots.set(counted, slots)
    return counted
  }

  #watchRegions(): void {
    const { installRegion } = ColdTier.prototype
    const allSlots = this.#slots
    ColdTier.prototype.installRegion = function (slot, region) {
      const [id] = WebAssembly.Module.customSections(region.module, SECTION)
      allSlots.get(this.run)?.set(slot, `region ${Buffer.from(id).toString()}.${region.name}`)
      installRegion.call(this, slot, region)
    }
  }

  /** What is emitted within a region's flow is what stands in it. */
  #watchEmitted(): void {
    const { emit: emitFlow } = RegionFlow.prototype
    const { emit: emitOne, beginBlock } = RegionBuilder.prototype
    let [blocks, instructions] = [0, 0]
    const made = (region: MadeRegion): void => void this.#regions.push(region)
    RegionFlow.prototype.emit = function () {
      ;[blocks, instructions] = [0, 0]
      const at = performance.now()
      emitFlow.call(this)
      made({ at, blocks, instructions, ms: performance.now() - at })
    }
    RegionBuilder.prototype.emit = function (here) {
      instructions++
      emitOne.call(this, here)
    }
    RegionBuilder.prototype.beginBlock = function (at) {
      blocks++
      beginBlock.call(this, at)
    }
  }
}

function kindOf(names: readonly string[]): FunctionKind {
  if (names.includes('run')) return 'cold'
  if (names.includes('body')) return 'body'
  if (names.includes('syscall')) return 'entry'
  return names.every((name) => /^\d+$/.test(name)) ? 'region' : 'other'
}
