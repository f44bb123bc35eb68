import {
  AbsentFrame,
  type Clock,
  crashDomain,
  DomainCrash,
  type GuestDomain,
  type HypercallContext,
  type HypercallDispatcher,
  upcallDue,
  VCPU,
  vcpuInfoOffset,
} from '@paravane/core'
import {
  CALLBACKTYPE_event,
  CALLBACKTYPE_failsafe,
  CALLBACKTYPE_syscall,
  CALLBACKTYPE_syscall32,
  CALLBACKTYPE_sysenter,
} from '@paravane/core/abi'
import { TRAP_KINDS, type Trap } from '../builder/builder.ts'
import { LinearMemory } from '../mmu/linear-memory.ts'
import type { ExitBudget, VcpuRunner } from '../run.ts'
import { CPU } from '../state/layout.ts'
import type { CpuPolicy } from '../state/policy.ts'
import { readRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { type Bounce, bounce, type UpcallMask } from './bounce-frame.ts'
import { Descriptors } from './descriptors.ts'
import { Emulator } from './emulate.ts'
import { type EmulationContext, type Exception, GP, UD } from './emulation.ts'
import { iret } from './iret.ts'
import { frameHost, inKernel } from './mode.ts'
import { EmulatedOperands } from './operands.ts'
import { PV, TRAP_DPL, TRAP_MASKS_EVENTS, VECTOR } from './pv-state.ts'

/** Why a vCPU came back to whoever runs it. */
export type PvStop =
  /** The count was reached or somebody kicked. */
  | 'limit'
  /** A hypercall gave the pCPU up (it blocked, yielded, went down), or the domain stopped. */
  | 'descheduled'
  /** `absent` is the gmfn to fetch. */
  | 'absent'

/** What a PvVcpu needs of its worker. */
export interface PvServices {
  readonly dispatcher: HypercallDispatcher
  readonly context: HypercallContext
  readonly policy: CpuPolicy
  /** True once a hypercall of this run asked to leave the pCPU, or the domain may not run on. */
  mustLeave(): boolean
  /** A new kernel root, as mmuext_op NEW_BASEPTR. */
  newBaseptr(gmfn: number): boolean
  /** Bytes of a frame with flags were written by TypeScript or the slow step. */
  written(frameHost: number, offset: number, length: number): void
}

const CR2_IN_VCPU_INFO = 16
const TF = 0x100n
/**
 * Traps, and exits from translated code, before a run that is not exact ends: a few milliseconds of the dearest. Instructions say
 * nothing of the time where each is emulated or translated anew.
 */
const MOST_EXITS = 256
/** RDI RSI RDX R10 R8 R9. */
const ARGUMENTS = [7, 6, 2, 10, 8, 9] as const

/** One vCPU of a PV domain: runs translated code and does what Xen does between guest and hardware. */
export class PvVcpu {
  readonly vcpu: VcpuMemory
  readonly runner: VcpuRunner
  readonly memory: LinearMemory
  readonly descriptors: Descriptors
  readonly #domain: GuestDomain
  readonly #id: number
  readonly #services: PvServices
  readonly #emulator: Emulator
  readonly mask: UpcallMask
  readonly #budget: ExitBudget = { left: 0 }
  absent = -1

  constructor(domain: GuestDomain, id: number, runner: VcpuRunner, clock: Clock, services: PvServices) {
    this.#domain = domain
    this.#id = id
    this.runner = runner
    this.vcpu = runner.vcpu
    this.#services = services
    const { vcpu } = this
    const kernelRoot = () => frameHost(vcpu, vcpu.i32(PV.KERNEL_ROOT))
    this.memory = new LinearMemory(vcpu, runner.walker, kernelRoot, services.written)
    this.descriptors = new Descriptors(vcpu, this.memory)
    this.mask = {
      get: () => vcpu.views.u8[vcpuInfoOffset(domain, id) + 1],
      set: (mask) => {
        vcpu.views.u8[vcpuInfoOffset(domain, id) + 1] = mask
      },
    }
    this.#emulator = new Emulator(this.#emulation(clock))
  }

  #emulation(clock: Clock): EmulationContext {
    const { vcpu, memory, descriptors } = this
    const state = this.#domain.state
    const cr2 = () => (vcpuInfoOffset(this.#domain, this.#id) + CR2_IN_VCPU_INFO) >>> 3
    return {
      vcpu,
      vcpuId: this.#id,
      policy: this.#services.policy,
      memory,
      descriptors,
      operands: new EmulatedOperands(vcpu, memory),
      clock,
      iopl: () => VCPU.iopl.load(state.memory, state.vcpu(this.#id)),
      newBaseptr: (gmfn) => this.#services.newBaseptr(gmfn),
      cr2: () => vcpu.views.u64[cr2()],
      setCr2: (value) => {
        vcpu.views.u64[cr2()] = value
      },
    }
  }

  /** Runs until `count` more instructions are retired (exactly, under a virtual clock), or there is a reason to leave. */
  run(count: number, exact: boolean): PvStop {
    const end = this.vcpu.u64(CPU.ICOUNT) + BigInt(count)
    this.#budget.left = exact ? Number.POSITIVE_INFINITY : MOST_EXITS
    try {
      for (;;) {
        const left = Number(end - this.vcpu.u64(CPU.ICOUNT))
        if (left <= 0 || this.#budget.left-- <= 0) return 'limit'
        this.#deliverEvents()
        const stop = this.#advance(left, exact)
        if (stop) return stop
      }
    } catch (error) {
      if (error instanceof AbsentFrame) {
        this.absent = error.gmfn
        return 'absent'
      }
      crashDomain(this.#services.context, error)
      return 'descheduled'
    }
  }

  #advance(left: number, exact: boolean): PvStop | undefined {
    const { runner, vcpu } = this
    if (vcpu.u64(CPU.RFLAGS) & TF) return this.#singleStep()
    switch (runner.run(left, exact, this.#budget)) {
      case 'limit':
        return 'limit'
      case 'absent':
        this.absent = runner.absent
        return 'absent'
      case 'fault':
        this.#raise(this.#pendingFault())
        return undefined
      default:
        return this.#trap(TRAP_KINDS[vcpu.i32(CPU.TRAP)])
    }
  }

  /** One instruction, then #DB. */
  #singleStep(): PvStop | undefined {
    const stop = this.runner.step()
    if (stop === 'absent') {
      this.absent = this.runner.absent
      return 'absent'
    }
    if (stop === 'fault') this.#raise(this.#pendingFault())
    else if (stop === 'trap') return this.#trap(TRAP_KINDS[this.vcpu.i32(CPU.TRAP)])
    else this.#raise({ vector: VECTOR.DB, error: -1 })
    return this.vcpu.i32(CPU.KICK) ? 'limit' : undefined
  }

  #pendingFault(): Exception {
    const { vcpu } = this
    return { vector: vcpu.i32(CPU.VECTOR), error: vcpu.i32(CPU.ERROR), address: vcpu.u64(CPU.ADDRESS) }
  }

  #trap(kind: Trap): PvStop | undefined {
    switch (kind) {
      case 'syscall':
        return this.#syscall()
      case 'sysenter':
        this.#callback(CALLBACKTYPE_sysenter, 'sysenter', GP)
        return undefined
      case 'int':
      case 'int3':
      case 'int1':
      case 'into':
        this.#softwareInterrupt(kind)
        return undefined
      case 'hlt':
        this.#raise(GP)
        return undefined
      default: {
        const insn = this.runner.current()
        const outcome = insn ? this.#emulator.emulate(kind, insn) : UD
        if (outcome === undefined && insn) this.#retire(insn.length)
        else if (outcome === 'jumped') this.#retire(0)
        else this.#raise(outcome as Exception)
        return undefined
      }
    }
  }

  #retire(length: number): void {
    const { vcpu } = this
    vcpu.rip = BigInt.asUintN(64, vcpu.rip + BigInt(length))
    vcpu.setU64(CPU.ICOUNT, vcpu.u64(CPU.ICOUNT) + 1n)
  }

  #syscall(): PvStop | undefined {
    const { vcpu } = this
    if (inKernel(vcpu)) return this.#hypercall()
    const is32 = vcpu.i32(CPU.COMPAT) !== 0
    this.#callback(is32 ? CALLBACKTYPE_syscall32 : CALLBACKTYPE_syscall, 'syscall', UD)
    return undefined
  }

  #hypercall(): PvStop | undefined {
    const { vcpu } = this
    const { dispatcher, context } = this.#services
    const { args } = dispatcher
    for (let n = 0; n < ARGUMENTS.length; n++) args.wide[n] = vcpu.gpr(ARGUMENTS[n])
    const rip = vcpu.rip
    switch (dispatcher.dispatch(context, vcpu.i32(CPU.GPR))) {
      case 'done': {
        vcpu.setGpr(0, BigInt.asUintN(64, BigInt(dispatcher.result)))
        vcpu.setGpr(1, rip + 2n)
        vcpu.setGpr(11, readRflags(vcpu))
        this.#retire(2)
        break
      }
      case 'continue':
        for (let n = 0; n < ARGUMENTS.length; n++) vcpu.setGpr(ARGUMENTS[n], args.wide[n])
        break
      case 'absent':
        for (let n = 0; n < ARGUMENTS.length; n++) vcpu.setGpr(ARGUMENTS[n], args.wide[n])
        this.absent = dispatcher.absentGmfn
        return 'absent'
      case 'registers-set':
        vcpu.setU64(CPU.ICOUNT, vcpu.u64(CPU.ICOUNT) + 1n)
        break
      case 'crashed':
        return 'descheduled'
    }
    return this.#services.mustLeave() ? 'descheduled' : undefined
  }

  /** SYSCALL and SYSENTER of user mode: to their callback, with RIP behind the instruction; `otherwise` where none is set. */
  #callback(type: number, what: string, otherwise: Exception): void {
    const { vcpu } = this
    const address = vcpu.u64(PV.CALLBACKS + type * 8)
    if (address === 0n) {
      this.#raise(otherwise)
      return
    }
    const isSyscall = type !== CALLBACKTYPE_sysenter
    const [rip, rcx, r11] = [vcpu.rip, vcpu.gpr(1), vcpu.gpr(11)]
    if (isSyscall) {
      vcpu.setGpr(1, rip + 2n)
      vcpu.setGpr(11, readRflags(vcpu))
      vcpu.rip = rip + 2n
    } else {
      vcpu.rip = 0n
      vcpu.setI32(PV.CS, 3)
    }
    const masksEvents = ((vcpu.i32(PV.CALLBACK_MASKS) >> type) & 1) !== 0
    try {
      this.#bounce({ address, masksEvents, clearsDf: isSyscall, what: `the ${what} callback` })
    } catch (error) {
      vcpu.rip = rip
      vcpu.setGpr(1, rcx)
      vcpu.setGpr(11, r11)
      throw error
    }
    vcpu.setU64(CPU.ICOUNT, vcpu.u64(CPU.ICOUNT) + 1n)
  }

  #softwareInterrupt(kind: 'int' | 'int3' | 'int1' | 'into'): void {
    const { vcpu } = this
    const insn = this.runner.current()
    if (!insn) {
      this.#raise(UD)
      return
    }
    const [operand] = insn.operands
    const vector =
      kind === 'int3'
        ? 3
        : kind === 'int1'
          ? 1
          : kind === 'into'
            ? 4
            : operand?.kind === 'imm'
              ? Number(operand.value & 0xffn)
              : 0
    if (kind === 'into' && (readRflags(vcpu) & 0x800n) === 0n) {
      this.#retire(insn.length)
      return
    }
    const flags = vcpu.i32(PV.TRAPS + vector * PV.TRAP_BYTES + 8)
    const privilege = inKernel(vcpu) ? 1 : 3
    if (kind === 'int' && vector !== 3 && vector !== 4 && (flags & TRAP_DPL) < privilege) {
      this.#raise({ vector: VECTOR.GP, error: vector * 8 + 2 })
      return
    }
    const rip = vcpu.rip
    vcpu.rip = rip + BigInt(insn.length)
    try {
      this.#raise({ vector, error: -1 })
    } catch (error) {
      vcpu.rip = rip
      throw error
    }
    vcpu.setU64(CPU.ICOUNT, vcpu.u64(CPU.ICOUNT) + 1n)
  }

  /** Enters the guest's handler for an exception. @throws DomainCrash if it has none */
  #raise(e: Exception): void {
    const { vcpu } = this
    const at = PV.TRAPS + e.vector * PV.TRAP_BYTES
    if (e.vector === VECTOR.PF) {
      const info = vcpuInfoOffset(this.#domain, this.#id)
      vcpu.views.u64[(info + CR2_IN_VCPU_INFO) >>> 3] = e.address ?? 0n
    }
    const masksEvents = (vcpu.i32(at + 8) & TRAP_MASKS_EVENTS) !== 0
    const where = `vector ${e.vector} error ${e.error} at RIP 0x${vcpu.rip.toString(16)}`
    const what = e.vector === VECTOR.PF ? `${where}, address 0x${(e.address ?? 0n).toString(16)}` : where
    this.#bounce({ address: vcpu.u64(at), errorCode: e.error, masksEvents, what })
  }

  #bounce(to: Bounce): void {
    bounce(this.#domain.domid, this.vcpu, this.memory, this.mask, to)
  }

  #deliverEvents(): void {
    const { vcpu } = this
    if (!upcallDue(this.#domain, this.#id)) return
    const address = vcpu.u64(PV.CALLBACKS + CALLBACKTYPE_event * 8)
    if (address === 0n) return
    this.#bounce({ address, masksEvents: true, what: 'the event callback' })
  }

  /** HYPERVISOR_iret. */
  iret(): void {
    const outcome = iret(this.#domain.domid, this.vcpu, this.memory, this.descriptors, this.mask)
    if (outcome === 'done') return
    const address = this.vcpu.u64(PV.CALLBACKS + CALLBACKTYPE_failsafe * 8)
    throw new DomainCrash(
      this.#domain.domid,
      `iret to CS 0x${this.vcpu.i32(PV.CS).toString(16)} RIP 0x${this.vcpu.rip.toString(16)} cannot be done` +
        (address === 0n ? ' and there is no failsafe callback' : ''),
    )
  }
}
