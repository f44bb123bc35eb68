import type { Profiler } from 'node:inspector'
import { KINDS } from './thread-record.ts'

/** What a thread does with its time, first found first. */
export const CLASSES = {
  region: 'guest code in regions',
  cold: 'guest code in the cold tier',
  body: 'instructions out of the cold loop, and steps',
  entry: 'kernel entries in WebAssembly',
  idle: 'asleep',
  gc: 'garbage collection',
  compile: 'V8 compiles and instantiates modules',
  emit: 'making of regions',
  decode: 'decoding for the cold tier',
  hypervisor: 'hypercalls, traps and events in TypeScript',
  other: 'all else',
} as const
export type TimeClass = keyof typeof CLASSES

export interface TimeRow {
  readonly name: string
  readonly ms: number
}

export interface Times {
  readonly classes: ReadonlyMap<TimeClass, number>
  /** By the profiler's names of functions of WebAssembly. */
  readonly translated: ReadonlyMap<string, number>
  /** Others, with their file. */
  readonly functions: ReadonlyMap<string, number>
}

/** Parts of the path of a function, and of its callers, by which a sample is put into a class. */
const PLACES: readonly (readonly [part: string, TimeClass])[] = [
  ['/cpu-x86/src/jit/', 'emit'],
  ['/cpu-x86/src/cold/code-cache.ts', 'decode'],
  ['/cpu-x86/src/cold/cold-tier.ts', 'compile'],
  ['/cpu-x86/src/pv/', 'hypervisor'],
  ['/core/src/', 'hypervisor'],
  ['/cpu-x86/src/', 'other'],
]
const SLEEPING: ReadonlySet<string> = new Set(['(idle)', 'sleep', 'wait'])
const COMPILING: ReadonlySet<string> = new Set(['Module', 'Instance', 'compile', 'instantiate'])
const WASM: ReadonlySet<string> = new Set(KINDS)

export function timesOf(profiles: readonly Profiler.Profile[]): Times {
  const times = { classes: new Map(), translated: new Map(), functions: new Map() }
  for (const profile of profiles) addTimes(profile, times)
  return times
}

interface Sums {
  readonly classes: Map<TimeClass, number>
  readonly translated: Map<string, number>
  readonly functions: Map<string, number>
}

function addTimes(profile: Profiler.Profile, { classes, translated, functions }: Sums): void {
  const { nodes, samples = [], timeDeltas = [] } = profile
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const pathOf = (id: number): Profiler.ProfileNode[] => {
    const path: Profiler.ProfileNode[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at)
      if (node) path.push(node)
    }
    return path
  }
  const selves = new Map<number, number>()
  for (const [n, id] of samples.entries()) selves.set(id, (selves.get(id) ?? 0) + timeDeltas[n] / 1000)
  for (const [id, ms] of selves) {
    const path = pathOf(id)
    const [{ callFrame }] = path
    const name = callFrame.functionName || '(anonymous)'
    const [first] = name.split(' ')
    const isTranslated = WASM.has(first) && name.includes('.')
    add(classes, classOf(path, isTranslated ? first : undefined), ms)
    if (isTranslated) add(translated, name, ms)
    else add(functions, `${name} ${callFrame.url.split('/').at(-1) ?? ''}`.trimEnd(), ms)
  }
}

function classOf(path: readonly Profiler.ProfileNode[], wasm: string | undefined): TimeClass {
  if (wasm !== undefined) return wasm === 'other' ? 'entry' : (wasm as TimeClass)
  const { functionName } = path[0].callFrame
  if (SLEEPING.has(functionName)) return 'idle'
  if (functionName === '(garbage collector)') return 'gc'
  if (COMPILING.has(functionName)) return 'compile'
  for (const { callFrame } of path) {
    const place = PLACES.find(([part]) => callFrame.url.includes(part))
    // What calls it may say more.
    if (place && place[1] !== 'other') return place[1]
  }
  return 'other'
}

function add<K>(sums: Map<K, number>, key: K, ms: number): void {
  sums.set(key, (sums.get(key) ?? 0) + ms)
}
