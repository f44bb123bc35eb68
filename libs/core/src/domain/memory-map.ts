import { DOMAIN, type DomainState, E820 } from './domain-state.ts'

export const E820_RAM = 1

export interface MemoryMapEntry {
  /** Bytes. */
  readonly addr: bigint
  readonly size: bigint
  readonly type: number
}

/** The memory map that XENMEM_memory_map tells; at most MAX_E820_ENTRIES entries. */
export function setE820(state: DomainState, entries: readonly MemoryMapEntry[]): void {
  for (const [i, { addr, size, type }] of entries.entries()) {
    const entry = DOMAIN.e820.at(0, i)
    E820.addr.store(state.memory, entry, BigInt.asIntN(64, addr))
    E820.size.store(state.memory, entry, BigInt.asIntN(64, size))
    E820.type.store(state.memory, entry, BigInt(type))
  }
  DOMAIN.nrE820.store(state.memory, 0, entries.length)
}
