import type { Decode } from '../decode/decoder.ts'
import type { KeptCode } from '../kept/kept-code.ts'
import { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { Answers } from './answers.ts'
import { CodePages, RememberedTlb } from './code-pages.ts'
import type { CompileAnswer, CompileRequest, ToCompiler } from './compile-request.ts'
import { CompiledRegions, type FoundRegion, headOf } from './compiled-regions.ts'
import { compileRegions, type MadeRegion, makeRegion } from './make-region.ts'
import { recentTargets } from './targets.ts'
import { isWarm } from './warmth.ts'

/** Regions in one module: code of one module lies together, and a module costs some 25 KiB of V8's. */
export const TOGETHER = 32
/** Milliseconds in which regions of one module are made: those that wait are run by records meanwhile. */
const MAKING = 15
/** Places that are remembered to be in regions, before those that were seen are forgotten. */
const MOST_COVERED = 0x10000

/** A domain's memory, and the execute TLBs of user mode of vCPUs in it, by their base. */
interface KnownMemory {
  readonly views: DomainViews
  readonly tlbs: Map<number, RememberedTlb>
}

interface Waiting {
  readonly request: CompileRequest
  readonly tlb: RememberedTlb | undefined
}

interface MadeFor {
  readonly request: CompileRequest
  readonly region: MadeRegion
  readonly pages: CodePages
}

/**
 * Makes the regions that vCPUs of other threads ask for. It reads their domains' memory while they run: what it reads may be changed
 * or mapped no longer, and whoever takes a region into use looks whether it is.
 */
export class Compiler {
  readonly #decode: Decode
  readonly #memories = new Map<number, KnownMemory>()
  #requests: Waiting[] = []
  #serial = 0
  /** The answer by which each place in a region is covered, by memory and host address. */
  readonly #covered = new Map<string, number>()
  readonly #now: () => number
  readonly #kept: KeptCode | undefined
  /** Of what was kept: those that were asked for, and others of their modules. */
  readonly #loaded = new CompiledRegions()

  /** @param now milliseconds, by which a module is not waited for too long */
  constructor(decode: Decode, kept?: KeptCode, now: () => number = () => performance.now()) {
    this.#decode = decode
    this.#now = now
    this.#kept = kept
  }

  take(message: ToCompiler): void {
    switch (message.kind) {
      case 'region':
        this.#requests.push({ request: message, tlb: this.#tlbOf(message) })
        break
      case 'memory':
        this.#memories.set(message.id, { views: new DomainViews(message.memory), tlbs: new Map() })
        break
      case 'hurry':
        this.#requests = [
          ...this.#requests.filter(({ request }) => request.id === message.id),
          ...this.#requests.filter(({ request }) => request.id !== message.id),
        ]
        break
      case 'forget':
        this.#memories.delete(message.id)
        this.save()
        break
      case 'stop':
        this.save()
    }
  }

  get waiting(): number {
    return this.#requests.length
  }

  /** What comes before all answers. */
  greet(kept: Int32Array): CompileAnswer {
    return { ...new Answers().finish(++this.#serial), kept }
  }

  /** The first requests that wait, compiled together. */
  compile(): CompileAnswer {
    const serial = ++this.#serial
    const made: MadeFor[] = []
    const answers = new Answers()
    const end = this.#now() + MAKING
    for (let n = 0; n < TOGETHER && (n === 0 || this.#now() < end); n++) {
      const next = this.#requests.shift()
      if (!next) break
      const { id } = next.request
      try {
        this.#answer(next, answers, made)
      } catch (error) {
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
        answers.say({ id, kind: 'bug', message })
      }
    }
    if (made.length > 0) this.#compile(made, answers)
    return answers.finish(serial)
  }

  /** Keeps what was compiled, for other processes. */
  save(): void {
    this.#kept?.save()
  }

  /** What the vCPU's execute TLB had when it asked, and what it has had since. */
  #tlbOf({ memory, base, executed }: CompileRequest): RememberedTlb | undefined {
    const tlbs = this.#memories.get(memory)?.tlbs
    if (!executed || !tlbs) return undefined
    const tlb = (executed.isAll ? undefined : tlbs.get(base)) ?? new RememberedTlb()
    tlbs.set(base, tlb)
    tlb.tell(executed.words)
    return tlb
  }

  #answer({ request, tlb }: Waiting, answers: Answers, made: MadeFor[]): void {
    const { id, mode } = request
    const views = this.#memories.get(request.memory)?.views
    if (!mode.isApart && (this.#covered.get(placeKey(request)) ?? 0) > request.seen)
      answers.say({ id, kind: 'covered' })
    else if (!views) answers.say({ id, kind: 'none' })
    else {
      const vcpu = new VcpuMemory(views, request.base)
      const pages = CodePages.around(vcpu, request, tlb && ((tag) => tlb.frame(tag)))
      const found = this.#find(request, pages, answers)
      const region = found || request.onlyKept ? undefined : this.#make(request, vcpu, pages)
      if (found) answers.give(request, found, pages)
      else if (region) made.push({ request, region, pages })
      else answers.say({ id, kind: request.onlyKept ? 'not kept' : 'none' })
    }
  }

  /** What an earlier process made of the place. */
  #find({ rip, mode }: CompileRequest, pages: CodePages, answers: Answers): FoundRegion | undefined {
    const offset = Number(rip & 0xfffn)
    const page = pages.bytes(0)
    if (!this.#kept || !page) return undefined
    for (const module of this.#kept.load(headOf(page, 0, offset, mode)))
      for (const region of answers.add(module)) this.#loaded.add(region)
    return this.#loaded.find(offset, mode, (delta) => pages.bytes(delta))
  }

  #make(request: CompileRequest, vcpu: VcpuMemory, pages: CodePages): MadeRegion | undefined {
    const { rip, mode, hotThreshold } = request
    const source = {
      decode: this.#decode,
      page: (delta: number) => pages.bytes(delta),
      isReached: (to: number) => isWarm(vcpu, pages.record(to), hotThreshold),
      isTranslated: (to: number) => pages.record(to) !== 0,
      targets: (offset: number) => recentTargets(vcpu, rip, offset),
    }
    const region = makeRegion(source, Number(rip & 0xfffn), mode)
    if (region) this.#cover(request, region, pages)
    return region
  }

  #compile(made: readonly MadeFor[], answers: Answers): void {
    const { module, wire } = compileRegions(made.map(({ region }) => region.body))
    const compiled = { module, regions: made.map(({ region: { facts } }, n) => ({ name: `${n}`, facts })) }
    this.#kept?.note(compiled, wire)
    answers.add(compiled).forEach((region, n) => {
      const { request, pages } = made[n]
      answers.give(request, { region, offset: Number(request.rip & 0xfffn) }, pages)
    })
  }

  #cover(request: CompileRequest, { facts }: MadeRegion, pages: CodePages): void {
    if (this.#covered.size > MOST_COVERED) this.#covered.clear()
    const read = pages.read(facts.pages)
    for (const offset of facts.leaders) {
      const page = read.find(({ delta }) => delta === offset >> 12)
      if (page) this.#covered.set(`${request.memory}:${page.frame + (offset & 0xfff)}`, this.#serial)
    }
  }
}

function placeKey({ memory, frameHost, rip }: CompileRequest): string {
  return `${memory}:${frameHost + Number(rip & 0xfffn)}`
}
