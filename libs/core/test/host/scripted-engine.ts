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

/** Answers each byte of input with its upper case, then sleeps until the console's event comes. */
const echo: Program = (guest) => {
  const { domain, init } = guest
  const base = domain.memory.frameOffset(gmfnOf(CONSOLE_PFN))
  const { words, bytes } = domain.memory
  const at = (field: { offset: number }) => (base + field.offset) >> 2
  const { in: input, out, in_cons, in_prod, out_prod } = xencons_interface
  // Events are taken: pending bits and the upcall are cleared as an upcall handler would.
  bytes[domain.memory.frameOffset(DOMAIN.sharedInfoFrame.load(domain.state.memory, 0))] = 0
  domain.ports.clearPending(CONSOLE_PORT)
  domain.memory.words[(domain.memory.frameOffset(DOMAIN.sharedInfoFrame.load(domain.state.memory, 0)) + 8) >> 2] = 0
  let moved = false
  for (let cons = Atomics.load(words, at(in_cons)); cons !== Atomics.load(words, at(in_prod)); cons++) {
    const byte = bytes[base + input.offset + (cons % input.length)] as number
    const prod = Atomics.load(words, at(out_prod))
    bytes[base + out.offset + (prod % out.length)] = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
    Atomics.store(words, at(out_prod), prod + 1)
    Atomics.store(words, at(in_cons), cons + 1)
    moved = true
  }
  if (moved) init.services.events.send(domain, CONSOLE_PORT)
  return block(guest)
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
        build({ domid, cmdline }) {
          if (!Object.hasOwn(PROGRAMS, cmdline)) {
            throw new CodedError({ code: 'KERNEL_INVALID' }, `kernel: there is no program ${cmdline}`)
          }
          const domain = new ScriptedDomain(domid)
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
