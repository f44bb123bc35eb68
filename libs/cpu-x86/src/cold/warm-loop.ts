import { decode, isFault } from '../decode/decoder.ts'
import { CPU } from '../state/layout.ts'
import { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { ColdTier } from './cold-tier.ts'
import { NO_ENTRIES } from './entries.ts'
import { FORM_LIST, FormRegistry } from './form-registry.ts'
import { HANDLER, HANDLER_MASK, REC } from './record.ts'

const BASE = Math.ceil(FORM_LIST.END / 4096) * 4096
const RECORD = BASE + CPU.SIZE
const PAGE = 0x10000
/** jmp to itself. */
const JUMP = Uint8Array.of(0xeb, 0xfe)
/** More than V8 lets a function run before it optimizes it (v8-flags.ts). */
const JUMPS = 10_000

const noHelper = (): number => 0

/**
 * Runs the cold tier's loop until V8 sets about optimizing it, which it does in a thread of its own: for a third of a second, in which a
 * guest would run several times slower. All workers of a process share the code.
 */
export function warmLoop(): void {
  const pages = Math.ceil((RECORD + REC.BYTES) / PAGE)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const views = new DomainViews(memory)
  const forms = new FormRegistry(memory, decode)
  const jump = decode(JUMP, 0, JUMP.length, 64)
  if (isFault(jump)) throw new TypeError('jmp is not decoded')
  views.u16[(RECORD + REC.HANDLER) >> 1] = HANDLER.FIRST_FORM + forms.number(jump, JUMP)
  views.i32[(RECORD + REC.TARGET) >> 2] = RECORD
  const vcpu = new VcpuMemory(views, BASE)
  vcpu.setI32(CPU.HANDLER_MASK, HANDLER_MASK.REGIONS)
  vcpu.setI32(CPU.LIMIT, JUMPS)
  vcpu.setI32(CPU.REC, RECORD)
  new ColdTier(memory, forms, { sse: noHelper, x87: noHelper, tsc: noHelper }, noHelper, NO_ENTRIES).run(BASE)
}
