import { type EnginePort, VCPU } from '@paravane/core'
import { EINVAL, FLAT_RING3_CS64, vcpu_guest_context } from '@paravane/core/abi'
import { canonical } from '../cold/slow-access.ts'
import { setTrap } from './cpu-hypercalls.ts'
import { setGdt } from './mmu/gdt.ts'
import { setLdt } from './mmu/ldt.ts'
import { RESTART } from './mmu/outcome.ts'
import { dropRoots, newBaseptr, newUserBaseptr } from './mmu/roots.ts'
import type { PvDomain } from './pv-domain.ts'
import { PV, TRAP_MASKS_EVENTS, VECTOR } from './pv-state.ts'
import { initialiseFromContext } from './vcpu-context.ts'

/** Of the IOPL field in RFLAGS. */
const IOPL_SHIFT = 12n

/** Does an MMU operation to its end. */
function complete(domain: PvDomain, operation: () => number): number {
  for (;;) {
    domain.mmu.types.startStretch()
    const outcome = operation()
    if (outcome !== RESTART) return outcome
  }
}

function initialise(domain: PvDomain, n: number, context: DataView): number {
  const vcpu = domain.vcpus[n]
  const { mmu } = domain
  const undo = (error: number): number => {
    complete(domain, () => dropRoots(mmu, n))
    vcpu.setI32(PV.KERNEL_ROOT, 0)
    vcpu.setI32(PV.USER_ROOT, 0)
    return error
  }
  const outcome = initialiseFromContext(vcpu, context, {
    takeRoots: (kernel, user) => {
      const taken = complete(domain, () => newBaseptr(mmu, n, kernel))
      if (taken < 0 || user === 0) return taken
      const both = complete(domain, () => newUserBaseptr(mmu, n, user))
      return both < 0 ? undo(both) : 0
    },
    setGdt: (frames, entries) => {
      const outcome = complete(domain, () => setGdt(mmu, n, frames, entries))
      return outcome < 0 ? undo(outcome) : 0
    },
    setLdt: (base, entries) => {
      const [low, high] = [Number(base & 0xffff_ffffn) | 0, Number(base >> 32n) | 0]
      complete(domain, () => setLdt(mmu, n, low, high, entries))
    },
  })
  // IOPL is virtual: it is taken from the flags, and no place in them (xen/arch/x86/domain.c arch_set_info_guest).
  const iopl = Number((vcpu_guest_context.user_regs.rflags.get(context, 0) >> IOPL_SHIFT) & 3n)
  if (outcome === 0) VCPU.iopl.store(domain.state.memory, domain.state.vcpu(n), iopl)
  return outcome
}

/** vCPUs as core's hypercalls change them. IOPL and the port bitmap are read where core keeps them. */
export function pvEnginePort(domainOf: (domid: number) => PvDomain): EnginePort {
  return {
    initialiseVcpu: (domid, vcpu, context) => initialise(domainOf(domid), vcpu, context),
    setIopl: () => {},
    setIoBitmap: () => {},
    setNmiCallback: (domid, vcpu, address) => {
      if (!canonical(address)) return -EINVAL
      setTrap(domainOf(domid).vcpus[vcpu], VECTOR.NMI, address, address ? TRAP_MASKS_EVENTS : 0, FLAT_RING3_CS64)
      return 0
    },
  }
}
