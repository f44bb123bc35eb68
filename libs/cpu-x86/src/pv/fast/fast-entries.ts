import type { Entries } from '../../cold/entries.ts'
import { fillFunction } from '../../mmu/fill.ts'
import { assemble } from '../../wasm/module.ts'
import { FILL } from './entry-builder.ts'
import { faultEntry } from './fault-entry.ts'
import { iretEntry } from './iret-entry.ts'
import { syscallEntry } from './syscall-entry.ts'

const IRET = FILL + 1

let compiled: WebAssembly.Module | undefined

/**
 * The common ways into and out of a PV guest's kernel, without TypeScript: what they do is what kernel-entries.ts, bounce-frame.ts and
 * iret.ts do, and all else is left to these. PV.VCPU_INFO and FAULTS_LEFT are set before translated code is entered, where neither
 * single steps nor breakpoints are watched for.
 */
export function fastEntries(memory: WebAssembly.Memory): Entries {
  compiled ??= new WebAssembly.Module(
    assemble({ imports: [], functions: [fillFunction(), iretEntry(), syscallEntry(IRET), faultEntry()] }),
  )
  return new WebAssembly.Instance(compiled, { e: { m: memory } }).exports as unknown as Entries
}
