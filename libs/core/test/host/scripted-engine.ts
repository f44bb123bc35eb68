import { vcpu_guest_context } from '../../src/abi/arch-x86/xen-x86-64.ts'
import { xencons_interface } from '../../src/abi/io/console.ts'
import {
  SHUTDOWN_crash,
  SHUTDOWN_poweroff,
  SHUTDOWN_reboot,
  SHUTDOWN_suspend,
  SHUTDOWN_watchdog,
} from '../../src/abi/sched.ts'
import { DOMAIN, VCPU, VCPU_BLOCKED } from '../../src/domain/domain-state.ts'
import { shutdownDomain } from '../../src/domain/lifecycle.ts'
import { SharedLock } from '../../src/domain/shared-lock.ts'
import { unmaskUpcall, upcallDue } from '../../src/domain/vcpu-info.ts'
import { unblockVcpu } from '../../src/domain/vcpu-run.ts'
import { CodedError, HypervisorBug } from '../../src/errors.ts'
import type { VcpuExit } from '../../src/pcpu/vcpu-ports.ts'
import { CpuEngine, type EngineDomain, type EnginePcpu, type EnginePcpuInit } from '../../src/plugin/cpu-engine.ts'
import { definePlugin, type XenPlugin } from '../../src/plugin/xen-plugin.ts'
import { gmfnOf, MemoryDomain } from '../pv-kit/memory-domain.ts'

const STORE_PFN = 1
const CONSOLE_PFN = 2
const RESULT_PFN = 3
/** What a hypercall has not answered yet. */
const NO_RESULT = -1
const CONSOLE_PORT = 2

interface Shared {
  readonly domid: number
  readonly buffer: SharedArrayBuffer
  readonly state: SharedArrayBuffer
  readonly program: string
}

/** A domain whose kernel is one of {@link PROGRAMS}, named by its command line. */
class ScriptedDomain extends MemoryDomain implements EngineDomain {
  kick(): void {}
  retired(): bigint {
    return 0n
  }
  /** In the guest's own frame: the next turn may be on another pCPU. */
  get result(): number {
    return this.memory.frameOffset(gmfnOf(RESULT_PFN)) >> 2
  }
  setResult(vcpu: number, value: bigint): void {
    Atomics.store(this.memory.words, this.result + vcpu, Number(value))
  }
  readContext(vcpu: number, context: DataView): void {
    vcpu_guest_context.user_regs.rip.set(context, 0, BigInt(0x1000 + vcpu))
  }
  *pages(): Generator<readonly [number, number]> {
    for (const pfn of [CONSOLE_PFN, STORE_PFN]) yield [pfn, gmfnOf(pfn)]
  }
  stateHash(): bigint {
    return this.memory.words.reduce((hash, word) => BigInt.asUintN(64, (hash ^ BigInt(word)) * 0x100000001b3n), 0n)
  }
}

/** What a guest's program may do. Called again and again while the domain runs. */
interface Guest {
  readonly domain: ScriptedDomain
  readonly init: EnginePcpuInit
  readonly mustLeave: () => boolean
}
type Program = (guest: Guest) => VcpuExit

const shutDown =
  (reason: number): Program =>
  ({ domain, init }) => {
    shutdownDomain(domain, reason, init.services)
    return 'kicked'
  }

function block({ domain, init }: Guest): VcpuExit {
  const { memory } = domain.state
  VCPU.flags.or(memory, domain.state.vcpu(0), VCPU_BLOCKED)
  unmaskUpcall(domain, 0)
  if (upcallDue(domain, 0)) unblockVcpu(domain, 0, init.services.sched)
  else init.services.sched.deschedule(domain.domid, 0)
  return 'kicked'
}

/** The word of its result holds {@link NO_RESULT} from the hypercall on. */
function suspend({ domain, init }: Guest): VcpuExit {
  domain.setResult(0, BigInt(NO_RESULT))
  DOMAIN.suspendRecord.store(domain.state.memory, 0, 77n)
  shutdownDomain(domain, SHUTDOWN_suspend, init.services)
  return 'kicked'
}

function print({ memory }: ScriptedDomain, byte: number): void {
  const base = memory.frameOffset(gmfnOf(CONSOLE_PFN))
  const { out, out_prod } = xencons_interface
  const at = (base + out_prod.offset) >> 2
  const prod = Atomics.load(memory.words, at)
  memory.bytes[base + out.offset + (prod % out.length)] = byte
  Atomics.store(memory.words, at, prod + 1)
}

const SUSPENDS = 0x21

/** Answers each byte of input with its upper case; `suspends` says whether it may be another. Sleeps when there is none. */
function answerInput(guest: Guest, suspends: (byte: number) => boolean): VcpuExit {
  const { domain, init } = guest
  const base = domain.memory.frameOffset(gmfnOf(CONSOLE_PFN))
  const { words, bytes } = domain.memory
  const at = (field: { offset: number }) => (base + field.offset) >> 2
  const { in: input, in_cons, in_prod, out, out_cons, out_prod } = xencons_interface
  // Events are taken: pending bits and the upcall are cleared as an upcall handler would.
  bytes[domain.memory.frameOffset(DOMAIN.sharedInfoFrame.load(domain.state.memory, 0))] = 0
  domain.ports.clearPending(CONSOLE_PORT)
  domain.memory.words[(domain.memory.frameOffset(DOMAIN.sharedInfoFrame.load(domain.state.memory, 0)) + 8) >> 2] = 0
  let moved = false
  for (let cons = Atomics.load(words, at(in_cons)); cons !== Atomics.load(words, at(in_prod)); cons++) {
    // Room is made when domain 0 hears of the output, and it says so.
    if (Atomics.load(words, at(out_prod)) - Atomics.load(words, at(out_cons)) >= out.length) break
    const byte = bytes[base + input.offset + (cons % input.length)] as number
    Atomics.store(words, at(in_cons), cons + 1)
    if (suspends(byte)) return suspend(guest)
    print(domain, byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)
    moved = true
  }
  if (moved) init.services.events.send(domain, CONSOLE_PORT)
  return block(guest)
}

const echo: Program = (guest) => answerInput(guest, () => false)

/** As echo, but ! suspends it, and when it goes on it says what the hypercall answered. */
const suspendable: Program = (guest) => {
  const { domain, init } = guest
  const answer = Atomics.exchange(domain.memory.words, domain.result, 0)
  if (answer !== 0) {
    print(domain, 0x30 + answer)
    init.services.events.send(domain, CONSOLE_PORT)
  }
  return answerInput(guest, (byte) => byte === SUSPENDS)
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  poweroff: shutDown(SHUTDOWN_poweroff),
  reboot: shutDown(SHUTDOWN_reboot),
  suspend: shutDown(SHUTDOWN_suspend),
  watchdog: shutDown(SHUTDOWN_watchdog),
  panic: shutDown(SHUTDOWN_crash),
  unknown: shutDown(200),
  misbehave: ({ domain, init }) => {
    init.services.reportCrash(domain.domid, 'it walked off')
    return shutDown(SHUTDOWN_crash)({ domain, init, mustLeave: () => false })
  },
  bug: ({ domain, init }) => {
    new SharedLock(domain.state.memory, DOMAIN.pageLock, 0, init.owner).acquire()
    new SharedLock(domain.state.memory, DOMAIN.grantLock, 0, init.owner).acquire()
    throw new HypervisorBug('a row of the table is missing')
  },
  // Ends the worker's thread, not the process.
  death: () => process.exit(3),
  spin: ({ mustLeave }) => {
    while (!mustLeave());
    return 'kicked'
  },
  sleep: block,
  echo,
  suspendable,
  log: ({ domain, init }) => {
    init.services.guestLog(domain.domid, new TextEncoder().encode('early words'))
    return shutDown(SHUTDOWN_poweroff)({ domain, init, mustLeave: () => false })
  },
}

class ScriptedPcpu implements EnginePcpu {
  readonly #init: EnginePcpuInit
  readonly #guests = new Map<number, { readonly domain: ScriptedDomain; readonly program: Program }>()

  constructor(init: EnginePcpuInit) {
    this.#init = init
  }

  attach(shared: unknown): EngineDomain {
    const { domid, program, ...memory } = shared as Shared
    const domain = new ScriptedDomain(domid, 0, memory)
    this.#guests.set(domid, { domain, program: PROGRAMS[program] as Program })
    return domain
  }

  detach(domid: number): void {
    this.#guests.delete(domid)
  }

  run(domid: number, _vcpu: number, slice: number, mustLeave: () => boolean): VcpuExit {
    const found = this.#guests.get(domid)
    if (found === undefined) throw new HypervisorBug(`domain ${domid} was not announced`)
    const end = this.#init.clockOf(found.domain).now() + BigInt(Math.ceil(slice))
    const isOver = (): boolean => mustLeave() || this.#init.clockOf(found.domain).now() >= end
    return found.program({ domain: found.domain, init: this.#init, mustLeave: isOver })
  }

  runExactly(): void {
    throw new HypervisorBug('no program counts its instructions')
  }

  stateHash(): bigint {
    throw new HypervisorBug('no program counts its instructions')
  }
}

const plugin: XenPlugin<undefined> = definePlugin({
  id: 'scripted-engine',
  apiVersion: 1,
  config: { parse: () => undefined },
  requires: [],
  provides: [CpuEngine],
  pcpu(scope) {
    scope.contribute(CpuEngine, 'pv', {
      pcpu: (init) => new ScriptedPcpu(init),
      control: () => ({
        build({ domid, cmdline, vcpus }) {
          if (!Object.hasOwn(PROGRAMS, cmdline)) {
            throw new CodedError({ code: 'KERNEL_INVALID' }, `kernel: there is no program ${cmdline}`)
          }
          const made = new ScriptedDomain(domid)
          DOMAIN.nrVcpus.store(made.state.memory, 0, vcpus)
          const domain = new ScriptedDomain(domid, 0, made.shared)
          DOMAIN.lifecycle.store(domain.state.memory, 0, 0)
          DOMAIN.paused.store(domain.state.memory, 0, 1)
          return {
            domain,
            shared: { domid, program: cmdline, ...domain.shared } satisfies Shared,
            storeGmfn: gmfnOf(STORE_PFN),
            consoleGmfn: gmfnOf(CONSOLE_PFN),
          }
        },
      }),
    })
  },
})

export default plugin
