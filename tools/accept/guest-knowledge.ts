/** Finds what a lib may not know: one guest's addresses, symbols and versions. Comments may name them. */

export interface Search {
  /** Words of a kernel, which no text may be. */
  readonly words?: ReadonlySet<string>
  /** Versions that may be told. */
  readonly versions?: ReadonlySet<string>
}

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/
const TEXT = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/
const NUMBER = /\b0x[0-9a-fA-F_]+n?\b/
const TOKEN = new RegExp(`(?<comment>${COMMENT.source})|(?<text>${TEXT.source})|(?<number>${NUMBER.source})`, 'g')

/** Above Xen's own part of the address space begins what a 64-bit guest kernel lays out (xen/arch-x86/xen-x86_64.h). */
const GUEST_KERNEL_START = 0xffff_8800_0000_0000n
const END = 2n ** 64n
/** A mask of whole pages or superpages is no address. */
const MAX_MASK_BITS = 21n
const ADDRESS_IN_TEXT = /f{4,8}[89a-f][0-9a-f]{7,11}\b/i
/** Three numbers, and no part of an address of four. */
const VERSION = /(?<![\d.])[2-9]\.\d{1,2}\.\d{1,3}\b(?!\.\d)|\b\d+\.\d+[\w.-]*-(?:amd64|cloud|generic)\b/
/** A word that can be only a symbol: long, and in parts. */
const SYMBOL = /^\w*[a-z]\w*_\w+$/
const MIN_SYMBOL = 6

/** Lines about what `source` knows of a guest, empty when there is nothing. */
export function guestKnowledge(source: string, search: Search = {}): string[] {
  return [...source.matchAll(TOKEN)].flatMap(({ groups, index }) => {
    const { text, number } = groups as { text?: string; number?: string }
    const fault =
      number === undefined
        ? text && faultOfText(text.slice(1, -1), search)
        : isKernelAddress(number) && `the address ${number}`
    return fault ? [`line ${source.slice(0, index).split('\n').length}: ${fault}`] : []
  })
}

function isKernelAddress(literal: string): boolean {
  const value = BigInt(literal.replaceAll('_', '').replace(/n$/, ''))
  // The boundary itself is Xen's: HYPERVISOR_VIRT_END.
  if (value <= GUEST_KERNEL_START || value >= END) return false
  return !isMask(value)
}

function isMask(value: bigint): boolean {
  const low = END - value
  return (low & (low - 1n)) === 0n && low <= 1n << MAX_MASK_BITS
}

function faultOfText(text: string, { words, versions }: Search): string | undefined {
  const address = ADDRESS_IN_TEXT.exec(text)
  if (address !== null) return `the address ${address[0]}`
  const version = VERSION.exec(text)
  if (version !== null && !versions?.has(version[0])) return `the version ${version[0]}`
  const isSymbol = text.length >= MIN_SYMBOL && SYMBOL.test(text) && words?.has(text)
  return isSymbol ? `the kernel's symbol ${text}` : undefined
}

/** The words of a kernel image: what stands alone between two zero bytes, as names of symbols do. */
export function wordsOf(image: Uint8Array): ReadonlySet<string> {
  const text = Buffer.from(image.buffer, image.byteOffset, image.byteLength).toString('latin1')
  return new Set([...text.matchAll(/(?<=\0)\w{6,64}(?=\0)/g)].map(([word]) => word))
}
