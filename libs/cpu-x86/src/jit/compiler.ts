import type { Decode } from '../decode/decoder.ts'
import { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { CodePages, copiedTlb } from './code-pages.ts'
import type { CompileAnswer, CompileRequest, Outcome, ToCompiler } from './compile-request.ts'
import { compileRegions, type MadeRegion, makeRegion } from './make-region.ts'
import { recentTargets } from './targets.ts'
import { isWarm } from './warmth.ts'

/** Regions in one module: code of one module lies together, and a module costs some 25 KiB of V8's. */
export const TOGETHER = 32
/** Milliseconds in which regions of one module are made: those that wait are run by records meanwhile. */
const MAKING = 15
/** Places that are remembered to be in regions, before those that were seen are forgotten. */
const MOST_COVERED = 0x10000

/**
 * Makes the regions that vCPUs of other threads ask for. It reads their domains' memory while they run: what it reads may be changed
 * or mapped no longer, and whoever takes a region into use looks whether it is.
 */
export class Compiler {
  readonly #decode: Decode
  readonly #memories = new Map<number, DomainViews>()
  #requests: CompileRequest[] = []
  #serial = 0
  /** The answer by which each place in a region is covered, by memory and host address. */
  readonly #covered = new Map<string, number>()

  constructor(decode: Decode) {
    this.#decode = decode
  }

  take(message: ToCompiler): void {
    switch (message.kind) {
      case 'region':
        this.#requests.push(message)
        break
      case 'memory':
        this.#memories.set(message.id, new DomainViews(message.memory))
        break
      case 'hurry':
        this.#requests = [
          ...this.#requests.filter(({ id }) => id === message.id),
          ...this.#requests.filter(({ id }) => id !== message.id),
        ]
        break
      case 'forget':
        this.#memories.delete(message.id)
    }
  }

  get waiting(): number {
    return this.#requests.length
  }

  /** The first requests that wait, compiled together. */
  compile(): CompileAnswer {
    const serial = ++this.#serial
    const made: { request: CompileRequest; region: MadeRegion; pages: CodePages }[] = []
    const outcomes: Outcome[] = []
    const end = performance.now() + MAKING
    for (let n = 0; n < TOGETHER && (n === 0 || performance.now() < end); n++) {
      const request = this.#requests.shift()
      if (!request) break
      const { id } = request
      try {
        if (!request.mode.isApart && (this.#covered.get(placeKey(request)) ?? 0) > request.seen)
          outcomes.push({ id, kind: 'covered' })
        else {
          const found = this.#make(request)
          if (found) made.push({ request, ...found })
          else outcomes.push({ id, kind: 'none' })
        }
      } catch (error) {
        outcomes.push({
          id,
          kind: 'bug',
          message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        })
      }
    }
    const compiled = made.length > 0 ? compileRegions(made.map(({ region }) => region.body)) : []
    made.forEach(({ request, region: { facts }, pages }, n) => {
      outcomes.push({ id: request.id, kind: 'region', facts, pages: pages.read(facts.pages), name: compiled[n].name })
    })
    return { serial, module: compiled[0]?.module, outcomes }
  }

  #make(request: CompileRequest): { region: MadeRegion; pages: CodePages } | undefined {
    const views = this.#memories.get(request.memory)
    if (!views) return undefined
    const { base, rip, mode, hotThreshold } = request
    const vcpu = new VcpuMemory(views, base)
    const { executed } = request
    const pages = CodePages.around(vcpu, request, executed && copiedTlb(executed))
    const source = {
      decode: this.#decode,
      page: (delta: number) => pages.bytes(delta),
      isReached: (to: number) => isWarm(vcpu, pages.record(to), hotThreshold),
      isTranslated: (to: number) => pages.record(to) !== 0,
      targets: (offset: number) => recentTargets(vcpu, rip, offset),
    }
    const region = makeRegion(source, Number(rip & 0xfffn), mode)
    if (!region) return undefined
    this.#cover(request, region, pages)
    return { region, pages }
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
