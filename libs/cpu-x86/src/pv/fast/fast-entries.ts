import type { Entries } from '../../cold/entries.ts'
import { fillFunction } from '../../mmu/fill.ts'
import { assemble } from '../../wasm/module.ts'
import { FUNCTION } from './entry-builder.ts'
import { faultEntry } from './fault-entry.ts'
import { mmuextOp } from './flush-page.ts'
import { fxStateEntry } from './fx-state.ts'
import { iretEntry } from './iret-entry.ts'
import { iretInstructionEntry } from './iret-instruction.ts'
import { mmuUpdate, replaceL1, updateRow } from './page-tables.ts'
import { syscallEntry } from './syscall-entry.ts'
import { trapEntry } from './trap-entry.ts'

/** The page types of a domain, and the lock that they are changed under. */
export interface EntryPages {
  readonly memory: WebAssembly.Memory
  /** Takes it and answers 1; or 0, at once, where somebody has it or what it is for (LOCK_FOR) is not done. */
  readonly lock: (what: number) => number
  readonly unlock: () => void
}

let compiled: WebAssembly.Module | undefined

/**
 * The common ways into and out of a PV guest's kernel, without TypeScript: what they do is what kernel-entries.ts, bounce-frame.ts,
 * iret.ts, cpu-hypercalls.ts and mmu/ do, and all else is left to these. PV.VCPU_INFO, FAULTS_LEFT and PAGE_RECORDS are set before
 * translated code is entered, where neither single steps nor breakpoints are watched for.
 */
export function fastEntries(memory: WebAssembly.Memory, { memory: pages, lock, unlock }: EntryPages): Entries {
  compiled ??= new WebAssembly.Module(
    assemble({
      imports: [
        ['lock', { params: ['i32'], results: ['i32'] }],
        ['unlock', { params: [], results: [] }],
      ],
      secondMemory: true,
      // In the order of FUNCTION.
      functions: [
        ...[
          fillFunction(FUNCTION.FILL),
          replaceL1(),
          mmuUpdate(),
          iretEntry(),
          syscallEntry(),
          iretInstructionEntry(),
          fxStateEntry(),
          mmuextOp(),
        ],
        ...[updateRow(), trapEntry(), faultEntry()],
      ],
    }),
  )
  const { exports } = new WebAssembly.Instance(compiled, { e: { m: memory, p: pages, lock, unlock } })
  return exports as unknown as Entries
}
