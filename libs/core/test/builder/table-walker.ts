/** Walks x86-64 page tables by the processor's rules, knowing nothing of the builder. `mem` reads 8 bytes of machine memory. */
export interface Leaf {
  readonly mfn: number
  readonly writable: boolean
  /** Low 12 bits of the last entry. */
  readonly flags: number
}

export type ReadMachine = (maddr: number) => bigint

export function walk(read: ReadMachine, cr3: bigint, va: bigint): Leaf | undefined {
  let table = Number(cr3 >> 12n)
  for (const shift of [39n, 30n, 21n, 12n]) {
    const entry = read(table * 4096 + Number((va >> shift) & 511n) * 8)
    if ((entry & 1n) === 0n) return undefined
    const mfn = Number((entry >> 12n) & 0xff_ffff_ffffn)
    const flags = Number(entry & 0xfffn)
    if (shift === 12n) return { mfn, writable: (flags & 2) !== 0, flags }
    if (flags !== 0x67) throw new Error(`table entry with flags ${flags.toString(16)} for ${va.toString(16)}`)
    table = mfn
  }
  return undefined
}
