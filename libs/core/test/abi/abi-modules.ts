import { readdirSync, readFileSync } from 'node:fs'

const abi = new URL('../../src/abi/', import.meta.url)
/** These hold no ABI of Xen's. */
const ours = new Set(['field.ts', 'struct.ts', 'index.ts'])

/** One file of src/abi that mirrors headers, with what its comments say about C. */
export interface AbiModule {
  /** Path below src/abi. */
  readonly path: string
  readonly exports: Readonly<Record<string, unknown>>
  /** Headers its first comment names. */
  readonly headers: readonly string[]
  /** C that has to follow the headers. */
  readonly prelude: string
  /** How C says the export of this name; `reason` where C has no such thing. */
  inC(name: string): { readonly expression: string } | { readonly reason: string }
}

const note = /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*export const (\w+)/g

function read(path: string, exports: Record<string, unknown>): AbiModule {
  const source = readFileSync(new URL(path, abi), 'utf8')
  const firstComment = source.slice(0, source.indexOf('*/'))
  const prefix = firstComment.match(/@cprefix (\w+)/)?.[1] ?? ''
  const notes = new Map<string, string>()
  for (const [, comment, name] of source.matchAll(note)) {
    const text = comment!.match(/@c (.*)/)?.[1]
    if (text !== undefined) notes.set(name!, text.trim())
  }
  return {
    path,
    exports,
    headers: [...firstComment.matchAll(/`(xen\/[\w./-]+\.h)`/g)].map(([, header]) => header!),
    prelude: firstComment.match(/@cprelude (.*)/)?.[1] ?? '',
    inC(name) {
      const [first, ...rest] = (notes.get(name) ?? prefix + name).split(' ')
      return first === 'none' ? { reason: rest.join(' ') } : { expression: [first, ...rest].join(' ') }
    },
  }
}

/** Every file of src/abi but those that are ours alone. */
export async function abiModules(): Promise<AbiModule[]> {
  const paths = (readdirSync(abi, { recursive: true }) as string[])
    .filter((path) => path.endsWith('.ts') && !ours.has(path))
    .sort()
  return Promise.all(paths.map(async (path) => read(path, await import(new URL(path, abi).href))))
}
