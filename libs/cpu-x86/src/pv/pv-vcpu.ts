import {
  AbsentFrame,
  type Clock,
  crashDomain,
  type GuestDomain,
  type HypercallArgs,
  type HypercallContext,
  type HypercallDispatcher,
  VCPU,
} from '@paravane/core'
import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { TRAP_KINDS, type Trap } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'
import { LinearMemory } from '../mmu/linear-memory.ts'
import type { ExitBudget, Stop, VcpuRunner } from '../run.ts'
import { CPU } from '../state/layout.ts'
import type { CpuPolicy } from '../state/policy.ts'
import { readRflags, rflagsLow } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { setTaskSwitched } from './control-registers.ts'
import { breakpointsEnabled, noteDebug, portHits, SINGLE_STEP } from './debug-registers.ts'
import { DebugStepper } from './debug-stepper.ts'
import { Descriptors, type LdtPages } from './descriptors.ts'
import { Emulator } from './emulate.ts'
import { type EmulationContext, type Exception, GP } from './emulation.ts'
import { AC, TF } from './flags.ts'
import { iret } from './iret.ts'
import { KernelEntries } from './kernel-entries.ts'
import { moveOn } from './mmu/batch.ts'
import { MMU_UPDATE_BYTES } from './mmu/hypercalls.ts'
import { frameHost, inKernel } from './mode.ts'
import { EmulatedOperands, portOf } from './operands.ts'
import { PV, VECTOR } from './pv-state.ts'

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
  /** Host address of a page of the vCPU's LDT, 0 if it cannot be used as one. */
  readonly ldtPage: LdtPages
  /** A new kernel root, as mmuext_op NEW_BASEPTR. */
  newBaseptr(gmfn: number): boolean
  /** Bytes of a frame with flags were written by TypeScript or the slow step. */
  written(frameHost: number, offset: number, length: number): void
}

const DEBUG: Exception = { vector: VECTOR.DB, error: -1, isTrap: true }
/**
 * Traps, and exits from translated code, before a run that is not exact ends: a few milliseconds of the dearest. Instructions say
 * nothing of the time where each is emulated or translated anew.
 */
const MOST_EXITS = 256
/** Page faults of a run that are delivered without TypeScript, which then counts the others. */
const MOST_FAULTS = 256
/** RDI RSI RDX R10 R8 R9. */
const ARGUMENTS = [7, 6, 2, 10, 8, 9] as const
const RCX = 1
const R11 = 11
/** RFLAGS with which instructions are done one by one. */
const STEPPED = Number(TF | AC)

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
  readonly #budget: ExitBudget = { left: 0 }
  readonly #entries: KernelEntries
  readonly #stepper: DebugStepper
  /** Whether the instruction that trapped last is done, and execution goes on behind it. */
  #completed = false
  /** What the iret hypercall under way is to raise where it goes. */
  #iret: ReturnType<typeof iret>
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
    this.descriptors = new Descriptors(vcpu, services.ldtPage)
    this.#entries = new KernelEntries(domain, id, vcpu, this.memory, this.descriptors)
    this.#stepper = new DebugStepper(runner, this.memory)
    this.#emulator = new Emulator(this.#emulation(clock))
  }

  #emulation(clock: Clock): EmulationContext {
    const { vcpu, memory, descriptors } = this
    const state = this.#domain.state
    const entries = this.#entries
    return {
      vcpu,
      policy: this.#services.policy,
      memory,
      descriptors,
      operands: new EmulatedOperands(vcpu, memory),
      clock,
      iopl: () => VCPU.iopl.load(state.memory, state.vcpu(this.#id)),
      ioBitmap: () => ({
        address: BigInt.asUintN(64, VCPU.iobitmap.load(state.memory, state.vcpu(this.#id))),
        ports: VCPU.iobitmapPorts.load(state.memory, state.vcpu(this.#id)),
      }),
      newBaseptr: (gmfn) => this.#services.newBaseptr(gmfn),
      cr2: () => entries.cr2,
      setCr2: (value) => {
        entries.cr2 = value
      },
    }
  }

  /** Runs until `count` more instructions are retired (exactly, under a virtual clock), or there is a reason to leave. */
  run(count: number, exact: boolean): PvStop {
    const end = this.vcpu.number(CPU.ICOUNT) + count
    this.#budget.left = exact ? Number.POSITIVE_INFINITY : MOST_EXITS
    this.vcpu.setI32(PV.FAULTS_LEFT, MOST_FAULTS)
    try {
      this.#entries.reloadSegments()
      for (;;) {
        const left = end - this.vcpu.number(CPU.ICOUNT)
        if (left <= 0 || this.#budget.left-- <= 0) return 'limit'
        this.#entries.deliver()
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
    if (vcpu.i32(CPU.RFLAGS) & STEPPED || breakpointsEnabled(vcpu)) return this.#debug()
    return this.#after(runner.run(left, exact, this.#budget))
  }

  #after(stop: Stop): PvStop | undefined {
    const { vcpu } = this
    switch (stop) {
      case 'limit':
        return 'limit'
      case 'absent':
        this.absent = this.runner.absent
        return 'absent'
      case 'fault':
        this.#fault()
        return undefined
      default:
        return this.#trap(TRAP_KINDS[vcpu.i32(CPU.TRAP)])
    }
  }

  /** One instruction, watched: TF or AC or a breakpoint is set. */
  #debug(): PvStop | undefined {
    const { vcpu } = this
    this.#completed = false
    const before = this.#stepper.begin()
    if (before) {
      this.#entries.raise(DEBUG)
      return undefined
    }
    let stop: PvStop | undefined
    try {
      const stepped = this.runner.step()
      if (stepped === undefined) this.#completed = true
      else stop = this.#after(stepped)
    } finally {
      this.#stepper.stop()
    }
    if (this.#stepper.end(this.#completed)) this.#entries.raise(DEBUG)
    return stop ?? (vcpu.i32(CPU.KICK) ? 'limit' : undefined)
  }

  /** The pending fault of the engine. */
  #fault(): void {
    const { vcpu } = this
    const vector = vcpu.i32(CPU.VECTOR)
    // Xen clears TS for the handler (xen/arch/x86/traps.c do_device_not_available).
    if (vector === VECTOR.NM) setTaskSwitched(vcpu, false)
    this.#entries.raise({ vector, error: vcpu.i32(CPU.ERROR), address: vcpu.u64(CPU.ADDRESS) })
  }

  #trap(kind: Trap): PvStop | undefined {
    switch (kind) {
      case 'syscall':
        return this.#syscall()
      case 'sysenter':
        this.#entered(this.#entries.sysenter())
        return undefined
      case 'int':
      case 'int3':
      case 'int1':
      case 'into':
        this.#softwareInterrupt(kind)
        return undefined
      case 'hlt':
        this.#entries.raise(GP)
        return undefined
      default:
        this.#emulate(kind)
        return undefined
    }
  }

  /** The instruction that trapped; undefined where it is to be left at that. @throws AbsentFrame */
  #trapped(kind: Trap): Decoded | undefined {
    const insn = this.runner.current()
    if (!insn) {
      // Its bytes are not there any more.
      if (this.runner.absent >= 0) throw new AbsentFrame(this.runner.absent)
      this.#fault()
      return undefined
    }
    // Another vCPU has put another instruction there since, which is then run.
    return insn.row.traps === kind ? insn : undefined
  }

  #emulate(kind: Trap): void {
    const { vcpu } = this
    const insn = this.#trapped(kind)
    if (!insn) return
    const outcome = this.#emulator.emulate(kind, insn)
    if (outcome !== undefined && outcome !== 'jumped') {
      this.#entries.raise(outcome)
      return
    }
    this.#retire(outcome === 'jumped' ? 0 : insn.length)
    this.#completed = true
    const ports = kind === 'io' ? portHits(vcpu, portOf(vcpu, insn), insn.size) : 0
    if (ports === 0) return
    noteDebug(vcpu, ports | (vcpu.u64(CPU.RFLAGS) & TF ? SINGLE_STEP : 0))
    this.#completed = false
    this.#entries.raise(DEBUG)
  }

  /** A way into the kernel was taken, unless it raises something instead. */
  #entered(instead: Exception | undefined): void {
    const { vcpu } = this
    if (instead) this.#entries.raise(instead)
    else vcpu.add(CPU.ICOUNT, 1)
  }

  #retire(length: number): void {
    const { vcpu } = this
    vcpu.add(CPU.RIP, length)
    vcpu.setI32(CPU.REC, 0)
    vcpu.add(CPU.ICOUNT, 1)
  }

  #syscall(): PvStop | undefined {
    const { vcpu } = this
    if (inKernel(vcpu)) return this.#hypercall()
    this.#entered(this.#entries.syscall())
    return undefined
  }

  #hypercall(): PvStop | undefined {
    const { vcpu } = this
    const { dispatcher, context } = this.#services
    const { args } = dispatcher
    const { i32 } = vcpu.views
    const registers = (vcpu.base + CPU.GPR) >> 2
    for (let n = 0; n < ARGUMENTS.length; n++) {
      const at = registers + ARGUMENTS[n] * 2
      args.halves[2 * n] = i32[at]
      args.halves[2 * n + 1] = i32[at + 1]
    }
    if (vcpu.i32(PV.ROWS_DONE) !== 0) this.#moveOn(args)
    switch (dispatcher.dispatch(context, vcpu.i32(CPU.GPR + 4) === 0 ? vcpu.i32(CPU.GPR) : -1)) {
      case 'done': {
        this.#setResult(dispatcher.result)
        this.#retire(2)
        // It comes back by SYSRET.
        i32[registers + RCX * 2] = vcpu.i32(CPU.RIP)
        i32[registers + RCX * 2 + 1] = vcpu.i32(CPU.RIP + 4)
        i32[registers + R11 * 2] = rflagsLow(vcpu)
        i32[registers + R11 * 2 + 1] = vcpu.i32(CPU.RFLAGS + 4)
        vcpu.setI32(PV.CS, FLAT_RING3_CS64)
        vcpu.setI32(PV.SS, FLAT_RING3_SS64)
        this.#completed = true
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
        vcpu.add(CPU.ICOUNT, 1)
        this.#returned()
        break
      case 'crashed':
        return 'descheduled'
    }
    return this.#services.mustLeave() ? 'descheduled' : undefined
  }

  /** Behind the requests of mmu_update that are done, as where it is entered again. */
  #moveOn(args: HypercallArgs): void {
    const done = this.vcpu.i32(PV.ROWS_DONE)
    this.vcpu.setI32(PV.ROWS_DONE, 0)
    moveOn(args, done, args.u32(1), MMU_UPDATE_BYTES)
  }

  /** RAX. */
  #setResult(result: number | bigint): void {
    const { vcpu } = this
    if (typeof result === 'number' && (result | 0) === result) {
      vcpu.setI32(CPU.GPR, result)
      vcpu.setI32(CPU.GPR + 4, result >> 31)
    } else vcpu.setGpr(0, BigInt.asUintN(64, BigInt(result)))
  }

  /** What the return of an iret hypercall raises at its destination. */
  #returned(): void {
    const raised = this.#iret
    this.#iret = undefined
    if (raised === 'step') noteDebug(this.vcpu, SINGLE_STEP)
    if (raised) this.#entries.raise(raised === 'step' ? DEBUG : { ...raised, isTrap: true })
  }

  #softwareInterrupt(kind: 'int' | 'int3' | 'int1' | 'into'): void {
    const { vcpu } = this
    const insn = this.#trapped(kind)
    if (!insn) return
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
    this.#entered(this.#entries.softwareInterrupt(kind, vector, insn.length))
  }

  /** HYPERVISOR_iret. */
  iret(): void {
    this.#iret = iret(this.#domain.domid, this.vcpu, this.memory, this.descriptors, this.#entries.mask)
  }
}
