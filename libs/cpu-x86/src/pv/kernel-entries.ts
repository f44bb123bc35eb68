import { type GuestDomain, upcallDueAt, VCPU, VCPU_NMI_PENDING, vcpuInfoOffset } from '@paravane/core'
import {
  CALLBACKTYPE_event,
  CALLBACKTYPE_failsafe,
  CALLBACKTYPE_syscall,
  CALLBACKTYPE_syscall32,
  CALLBACKTYPE_sysenter,
  FLAT_RING3_CS32,
  FLAT_RING3_CS64,
  FLAT_RING3_SS64,
} from '@paravane/core/abi'
import type { LinearMemory } from '../mmu/linear-memory.ts'
import { CPU } from '../state/layout.ts'
import { readRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { type Bounce, bounce, type UpcallMask } from './bounce-frame.ts'
import type { Descriptors } from './descriptors.ts'
import { type Exception, GP, UD } from './emulation.ts'
import { inKernel } from './mode.ts'
import { CR2_IN_VCPU_INFO, PV, TRAP_DPL, TRAP_MASKS_EVENTS, VECTOR } from './pv-state.ts'
import { DS, ES, FS, GS, loadSegment, SELECTORS } from './segment-loads.ts'

const RCX = 1
const R11 = 11
/** Null selectors are 0 to 3. */
const LAST_NULL = 3
/** Data segment registers, as the failsafe frame has them. */
const DATA = [DS, ES, FS, GS] as const

/** Every way into the guest's kernel: exceptions, software interrupts, system calls of its user mode, events, NMIs, failsafe. */
export class KernelEntries {
  readonly mask: UpcallMask
  readonly #domain: GuestDomain
  readonly #id: number
  readonly #vcpu: VcpuMemory
  readonly #memory: LinearMemory
  readonly #descriptors: Descriptors

  constructor(domain: GuestDomain, id: number, vcpu: VcpuMemory, memory: LinearMemory, descriptors: Descriptors) {
    this.#domain = domain
    this.#id = id
    this.#vcpu = vcpu
    this.#memory = memory
    this.#descriptors = descriptors
    this.mask = {
      get: () => vcpu.views.u8[vcpuInfoOffset(domain, id) + 1],
      set: (mask) => {
        vcpu.views.u8[vcpuInfoOffset(domain, id) + 1] = mask
      },
    }
  }

  get cr2(): bigint {
    return this.#vcpu.views.u64[(vcpuInfoOffset(this.#domain, this.#id) + CR2_IN_VCPU_INFO) >>> 3]
  }

  set cr2(value: bigint) {
    this.#vcpu.views.u64[(vcpuInfoOffset(this.#domain, this.#id) + CR2_IN_VCPU_INFO) >>> 3] = value
  }

  /** Enters the guest's handler for an exception. @throws DomainCrash if it has none */
  raise(e: Exception): void {
    const vcpu = this.#vcpu
    const at = PV.TRAPS + e.vector * PV.TRAP_BYTES
    if (e.vector === VECTOR.PF) this.cr2 = e.address ?? 0n
    const where = `vector ${e.vector} error ${e.error} at RIP 0x${vcpu.rip.toString(16)}`
    this.#bounce({
      address: vcpu.u64(at),
      errorCode: e.error,
      isFault: !e.isTrap,
      masksEvents: (vcpu.i32(at + 8) & TRAP_MASKS_EVENTS) !== 0,
      what: e.vector === VECTOR.PF ? `${where}, address 0x${(e.address ?? 0n).toString(16)}` : where,
    })
  }

  /**
   * int n, int3, into and int1 of `length` bytes. Xen has no gate of DPL 3 but for 3, 4 and 0x80: other vectors fault, and are
   * then judged by the guest's table (xen/arch/x86/traps.c do_general_protection).
   */
  softwareInterrupt(kind: 'int' | 'int3' | 'int1' | 'into', vector: number, length: number): Exception | undefined {
    const vcpu = this.#vcpu
    const { rip } = vcpu
    const byFault = kind === 'int' && vector !== 3 && vector !== 4 && vector !== 0x80
    if (kind === 'int' && (byFault || vector === 0x80)) {
      const at = PV.TRAPS + vector * PV.TRAP_BYTES
      const refused = byFault ? (vcpu.i32(at + 8) & TRAP_DPL) < (inKernel(vcpu) ? 1 : 3) : vcpu.u64(at) === 0n
      if (refused) return { vector: VECTOR.GP, error: vector * 8 + 2, isTrap: vector === 0x80 }
    }
    // Xen goes on by two bytes, however long the instruction was.
    vcpu.rip = rip + BigInt(byFault ? 2 : length)
    try {
      this.raise({ vector, error: -1, isTrap: !byFault })
    } catch (error) {
      vcpu.rip = rip
      throw error
    }
    return undefined
  }

  /** SYSCALL of user mode, 64-bit or 32-bit; what is raised instead where the guest has set no callback. */
  syscall(): Exception | undefined {
    const vcpu = this.#vcpu
    const is32 = vcpu.i32(CPU.COMPAT) !== 0
    const type = is32 ? CALLBACKTYPE_syscall32 : CALLBACKTYPE_syscall
    const next = vcpu.rip + 2n
    const what = is32 ? 'syscall32' : 'syscall'
    // Whether events are masked is asked of the 64-bit callback for both (xen/arch/x86/x86_64/entry.S switch_to_kernel).
    return this.#callback(type, CALLBACKTYPE_syscall, what, UD, () => {
      // The processor saved these two, and not the selectors.
      vcpu.setGpr(RCX, next)
      vcpu.setGpr(R11, readRflags(vcpu))
      vcpu.rip = next
      vcpu.setI32(PV.CS, is32 ? FLAT_RING3_CS32 : FLAT_RING3_CS64)
      vcpu.setI32(PV.SS, FLAT_RING3_SS64)
    })
  }

  /** SYSENTER, which does not say where it came from. */
  sysenter(): Exception | undefined {
    const vcpu = this.#vcpu
    return this.#callback(CALLBACKTYPE_sysenter, CALLBACKTYPE_sysenter, 'sysenter', GP, () => {
      vcpu.rip = 0n
      vcpu.setI32(PV.CS, 3)
      vcpu.setI32(PV.SS, FLAT_RING3_SS64)
    })
  }

  #callback(type: number, masks: number, name: string, otherwise: Exception, leave: () => void): Exception | undefined {
    const vcpu = this.#vcpu
    const address = vcpu.u64(PV.CALLBACKS + type * 8)
    if (address === 0n) return { ...otherwise, isTrap: true }
    const saved = [vcpu.rip, vcpu.gpr(RCX), vcpu.gpr(R11)] as const
    const selectors = [vcpu.i32(PV.CS), vcpu.i32(PV.SS)] as const
    leave()
    const masksEvents = ((vcpu.i32(PV.CALLBACK_MASKS) >> masks) & 1) !== 0
    try {
      const clearsDf = type !== CALLBACKTYPE_sysenter
      this.#bounce({ address, masksEvents, clearsDf, what: `the ${name} callback` })
    } catch (error) {
      ;[vcpu.rip] = saved
      vcpu.setGpr(RCX, saved[1])
      vcpu.setGpr(R11, saved[2])
      vcpu.setI32(PV.CS, selectors[0])
      vcpu.setI32(PV.SS, selectors[1])
      throw error
    }
    return undefined
  }

  /**
   * An NMI first, then events: the latter may interrupt the former's handler before its first instruction. Leaves the place of the
   * vcpu_info where the entries in WebAssembly look for it (fast/).
   */
  deliver(): void {
    const { memory } = this.#domain.state
    const record = this.#domain.state.vcpu(this.#id)
    const info = vcpuInfoOffset(this.#domain, this.#id)
    this.#vcpu.setI32(PV.VCPU_INFO, info)
    if (VCPU.flags.load(memory, record) & VCPU_NMI_PENDING) this.#deliverNmi()
    if (!upcallDueAt(this.#domain, info)) return
    const address = this.#vcpu.u64(PV.CALLBACKS + CALLBACKTYPE_event * 8)
    if (address === 0n) return
    this.#bounce({ address, masksEvents: true, what: 'the event callback' })
  }

  /** Masked from here to the next iret hypercall. One that has no handler is lost. */
  #deliverNmi(): void {
    const vcpu = this.#vcpu
    if (vcpu.i32(PV.NMI_MASKED)) return
    const { memory } = this.#domain.state
    const at = PV.TRAPS + VECTOR.NMI * PV.TRAP_BYTES
    if (vcpu.u64(at) !== 0n) {
      this.raise({ vector: VECTOR.NMI, error: -1, isTrap: true })
      vcpu.setI32(PV.NMI_MASKED, 1)
    }
    VCPU.flags.clear(memory, this.#domain.state.vcpu(this.#id), VCPU_NMI_PENDING)
  }

  /**
   * As when a vCPU comes back to a processor: its data segment registers are loaded anew. Those that cannot be become null, and
   * the failsafe callback is told what they held (xen/arch/x86/domain.c load_segments).
   */
  reloadSegments(): void {
    const vcpu = this.#vcpu
    const held = DATA.map((reg) => vcpu.i32(SELECTORS[reg]))
    if (held.every((selector) => selector <= LAST_NULL || selector === FLAT_RING3_SS64)) return
    const bases = [vcpu.u64(CPU.FSBASE), vcpu.u64(CPU.GSBASE)] as const
    const failed = DATA.filter((reg, n) => loadSegment(vcpu, this.#descriptors, reg, held[n]) !== undefined)
    vcpu.setU64(CPU.FSBASE, bases[0])
    vcpu.setU64(CPU.GSBASE, bases[1])
    if (failed.length === 0) return
    const address = vcpu.u64(PV.CALLBACKS + CALLBACKTYPE_failsafe * 8)
    const masksEvents = ((vcpu.i32(PV.CALLBACK_MASKS) >> CALLBACKTYPE_failsafe) & 1) !== 0
    this.#bounce({ address, masksEvents, segments: held, what: 'the failsafe callback' })
    for (const reg of failed) vcpu.setI32(SELECTORS[reg], 0)
  }

  #bounce(to: Bounce): void {
    bounce(this.#domain.domid, this.#vcpu, this.#memory, this.mask, to)
  }
}
