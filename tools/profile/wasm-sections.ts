/** What of a module's bytes a profiler needs: its exported functions, and sections of our own behind the others. */

/** Reads numbers and names. */
class Reader {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  u32(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++]
      value |= (byte & 127) << shift
      if ((byte & 128) === 0) return value >>> 0
    }
  }

  name(): string {
    const length = this.u32()
    this.at += length
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString()
  }
}

export interface ModuleFunctions {
  /** Exported functions: [name, index]. */
  readonly exported: readonly (readonly [string, number])[]
  /** Indices of those that have a body: [first, behind the last]. */
  readonly own: readonly [number, number]
  /** Bytes of the body of an index; 0 of an import. */
  size(index: number): number
}

const [FUNCTION_IMPORT, TABLE_IMPORT, MEMORY_IMPORT] = [0, 1, 2]
const [IMPORTS, EXPORTS, CODE] = [2, 7, 10]
const HEADER = 8

export function moduleFunctions(bytes: Uint8Array): ModuleFunctions {
  let imported = 0
  const exported: [string, number][] = []
  const sizes: number[] = []
  for (let at = HEADER; at < bytes.length; ) {
    const id = bytes[at]
    const section = new Reader(bytes, at + 1)
    const length = section.u32()
    at = section.at + length
    if (id === IMPORTS) imported = functionImports(section)
    else if (id === EXPORTS) for (let left = section.u32(); left > 0; left--) readExport(section, exported)
    else if (id === CODE)
      for (let left = section.u32(); left > 0; left--) {
        const size = section.u32()
        sizes.push(size)
        section.at += size
      }
  }
  return { exported, own: [imported, imported + sizes.length], size: (index) => sizes[index - imported] ?? 0 }
}

function functionImports(section: Reader): number {
  let functions = 0
  for (let left = section.u32(); left > 0; left--) {
    section.name()
    section.name()
    const kind = section.bytes[section.at++]
    if (kind === FUNCTION_IMPORT) {
      functions++
      section.u32()
    } else if (kind === TABLE_IMPORT || kind === MEMORY_IMPORT) {
      if (kind === TABLE_IMPORT) section.at++
      const hasMost = (section.u32() & 1) !== 0
      section.u32()
      if (hasMost) section.u32()
    } else throw new RangeError(`an import of kind ${kind}`)
  }
  return functions
}

function readExport(section: Reader, exported: [string, number][]): void {
  const name = section.name()
  const kind = section.bytes[section.at++]
  const index = section.u32()
  if (kind === FUNCTION_IMPORT) exported.push([name, index])
}

function u32(value: number): number[] {
  const bytes: number[] = []
  for (let left = value >>> 0; ; left >>>= 7) {
    if (left < 128) return [...bytes, left]
    bytes.push((left & 127) | 128)
  }
}

const text = (name: string): number[] => [...u32(Buffer.byteLength(name)), ...Buffer.from(name)]
const sized = (bytes: readonly number[]): number[] => [...u32(bytes.length), ...bytes]

/** The module with a custom section more. */
function withSection(bytes: Uint8Array, name: string, content: readonly number[]): Uint8Array<ArrayBuffer> {
  const section = [0, ...sized([...text(name), ...content])]
  const result = new Uint8Array(bytes.length + section.length)
  result.set(bytes)
  result.set(section, bytes.length)
  return result
}

/** The module with names for functions by index, which profilers show, and a section `own` with a text. */
export function withNames(
  bytes: Uint8Array,
  names: readonly (readonly [number, string])[],
  own: readonly [name: string, content: string],
): Uint8Array<ArrayBuffer> {
  const sorted = names.toSorted(([a], [b]) => a - b)
  const map = [...u32(sorted.length), ...sorted.flatMap(([index, name]) => [...u32(index), ...text(name)])]
  const named = withSection(bytes, 'name', [1, ...sized(map)])
  return withSection(named, own[0], [...Buffer.from(own[1])])
}
