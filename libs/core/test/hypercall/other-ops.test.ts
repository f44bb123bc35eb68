import { beforeEach, describe, expect, it } from 'vitest'
import * as memory from '../../src/abi/memory.ts'
import * as physdev from '../../src/abi/physdev.ts'
import * as version from '../../src/abi/version.ts'
import * as xen from '../../src/abi/xen.ts'
import { DOMAIN, E820 } from '../../src/domain/domain-state.ts'
import { HypercallTable } from '../../src/hypercall/table.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, HOLE_PFN, MemoryDomain, PFNS, READ_ONLY_PFN, va } from '../pv-kit/memory-domain.ts'

const EPERM = -1
const ESRCH = -3
const EACCES = -13
const EFAULT = -14
const EBUSY = -16
const EINVAL = -22
const ENOSYS = -38
const EOPNOTSUPP = -95

let machine: Machine
let d1: MemoryDomain

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
})

const call = (nr: number, ...args: (bigint | number)[]) => machine.call(d1, 0, nr, ...args)
const text = (at: bigint, length: number) => {
  const bytes = new Uint8Array(d1.peek(at, length).buffer)
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))
}
const words = (at: bigint, count: number) =>
  Array.from({ length: count }, (_, i) => Number(d1.peek(at, count * 8).getBigUint64(i * 8, true)))

describe('xen_version', () => {
  const get = (cmd: number, at: bigint | number = va(2)) => call(xen.__HYPERVISOR_xen_version, cmd, at)

  it('answers as Xen 4.17 does to a domU', () => {
    expect(get(version.XENVER_version, 0)).toBe((4 << 16) | 17)
    expect([get(version.XENVER_extraversion), text(va(2), 16)]).toEqual([0, '.7'])
    expect([get(version.XENVER_capabilities), text(va(2), 1024)]).toEqual([0, 'xen-3.0-x86_64 '])
    expect([get(version.XENVER_compile_info), text(va(2), 64)]).toEqual([0, 'Paravane'])
    expect([get(version.XENVER_commandline), text(va(2), 16)]).toEqual([0, '<denied>'])
    expect([get(version.XENVER_platform_parameters), d1.peek(va(2), 8).getBigUint64(0, true)]).toEqual([
      0,
      0xffff_8000_0000_0000n,
    ])
    expect([get(version.XENVER_pagesize, 0), get(version.XENVER_pagesize), get(version.XENVER_build_id)]).toEqual([
      4096,
      EINVAL,
      EPERM,
    ])
    expect([get(version.XENVER_extraversion, va(HOLE_PFN)), get(99)]).toEqual([EFAULT, ENOSYS])
  })

  it('offers the features of classic PV and no others', () => {
    const features = (submap_idx: number) =>
      machine.op(d1, xen.__HYPERVISOR_xen_version, version.XENVER_get_features, version.xen_feature_info, {
        submap_idx,
      })
    const { result, fields } = features(0)
    expect([result, ...fields('submap')]).toEqual([0, 0x220e0])
    call(xen.__HYPERVISOR_vm_assist, xen.VMASST_CMD_enable, xen.VMASST_TYPE_pae_extended_cr3)
    expect(features(0).fields('submap')).toEqual([0x220f0])
    expect(features(1).result).toBe(EINVAL)
  })
})

describe('memory_op', () => {
  const op = (cmd: number, extents: number[], at = va(7), more = {}) => {
    if (extents.length > 0) d1.poke(va(7), new Uint8Array(new BigUint64Array(extents.map(BigInt)).buffer))
    const values = { extent_start: at, nr_extents: extents.length, domid: xen.DOMID_SELF, ...more }
    return machine.op(d1, xen.__HYPERVISOR_memory_op, cmd, memory.xen_memory_reservation, values).result
  }
  const total = () => DOMAIN.totPages.load(d1.state.memory, 0)

  it('populates as many as the domain may have, and answers how many', () => {
    expect(op(memory.XENMEM_populate_physmap, [1000, 1001])).toBe(2)
    const [first = 0, second = 0] = words(va(7), 2)
    expect([d1.frame(first).pfn, d1.frame(second).pfn, total()]).toEqual([1000, 1001, PFNS + 2])
    const many = Array.from({ length: 30 }, (_, i) => 2000 + i)
    expect([op(memory.XENMEM_populate_physmap, many), total()]).toEqual([40 - PFNS - 2, 40])
  })

  it('gives frames up until one that is in use', () => {
    op(memory.XENMEM_populate_physmap, [1000, 1001, 1002])
    const frames = words(va(7), 3)
    expect([op(memory.XENMEM_decrease_reservation, [frames[0]!, gmfnOf(1), frames[1]!]), total()]).toEqual([
      1,
      PFNS + 2,
    ])
    expect([op(memory.XENMEM_decrease_reservation, [frames[1]!, frames[2]!, 7]), total()]).toEqual([2, PFNS])
  })

  it('increases with and without a list', () => {
    expect(op(memory.XENMEM_increase_reservation, [0, 0], 0n)).toBe(2)
    expect([op(memory.XENMEM_increase_reservation, [0, 0]), total()]).toEqual([2, PFNS + 4])
    expect(d1.frame(words(va(7), 1)[0]!)).toEqual({ kind: 1, references: 0, pfn: -1 })
  })

  it('stops at what it does not do, or cannot reach', () => {
    expect(op(memory.XENMEM_populate_physmap, [1000], va(HOLE_PFN))).toBe(0)
    expect(op(memory.XENMEM_populate_physmap, [1000], va(READ_ONLY_PFN))).toBe(0)
    expect(op(memory.XENMEM_populate_physmap, [1000], va(7), { extent_order: 9 })).toBe(0)
    expect(op(memory.XENMEM_populate_physmap, [1000], va(7), { domid: 2 })).toBe(0)
    expect(op(memory.XENMEM_populate_physmap, [1000], va(7), { nr_extents: 2n ** 63n })).toBe(0)
    expect(total()).toBe(PFNS)
  })

  it('goes on where an interrupted call stopped', () => {
    const from = (done: number) => op(memory.XENMEM_populate_physmap + (done << 6), [1000, 1001, 1002])
    expect([from(2), words(va(7), 2), total()]).toEqual([3, [1000, 1001], PFNS + 1])
    expect([from(3), from(9), total()]).toEqual([3, 9, PFNS + 1])
  })

  it('tells sizes and the memory map, of the caller only', () => {
    const count = (cmd: number, domid: number) =>
      machine.op(d1, xen.__HYPERVISOR_memory_op, cmd, memory.xen_memory_domain, { domid }).result
    expect([
      count(memory.XENMEM_current_reservation, xen.DOMID_SELF),
      count(memory.XENMEM_maximum_reservation, 1),
      count(memory.XENMEM_current_reservation, 2),
      count(memory.XENMEM_maximum_gpfn, xen.DOMID_SELF),
    ]).toEqual([PFNS, 40, ESRCH, 0])

    const map = (nr_entries: number, buffer: bigint) => {
      const arg = { nr_entries, buffer }
      const { result, fields } = machine.op(
        d1,
        xen.__HYPERVISOR_memory_op,
        memory.XENMEM_memory_map,
        memory.xen_memory_map,
        arg,
      )
      return [result, ...fields('nr_entries')]
    }
    expect(map(8, va(2))).toEqual([ENOSYS, 8])
    const entry = DOMAIN.e820.at(0, 0)
    E820.size.store(d1.state.memory, entry, 0x1000_0000n)
    E820.type.store(d1.state.memory, entry, 1n)
    DOMAIN.nrE820.store(d1.state.memory, 0, 1)
    expect([map(0, va(2)), map(8, va(HOLE_PFN)), map(8, va(2))]).toEqual([
      [0, 0],
      [EFAULT, 8],
      [0, 1],
    ])
    expect([d1.peek(va(2), 20).getBigUint64(8, true), d1.peek(va(2), 20).getUint32(16, true)]).toEqual([
      0x1000_0000n,
      1,
    ])
  })

  it('says where the M2P is, and refuses what is for others', () => {
    const { result, fields } = machine.op(
      d1,
      xen.__HYPERVISOR_memory_op,
      memory.XENMEM_machphys_mapping,
      memory.xen_machphys_mapping,
      {},
    )
    expect([result, ...fields('v_start', 'v_end', 'max_mfn')]).toEqual([
      0,
      0xffff_8000_0000_0000n,
      0xffff_8040_0000_0000n,
      2n ** 35n - 1n,
    ])
    const refused = [
      memory.XENMEM_machine_memory_map,
      memory.XENMEM_add_to_physmap,
      memory.XENMEM_get_vnumainfo,
      60,
    ].map((cmd) => call(xen.__HYPERVISOR_memory_op, cmd, va(1)))
    // The structure is zeros: domain 0 is meant.
    expect(refused).toEqual([EPERM, EACCES, EPERM, ENOSYS])
  })
})

describe('the small hypercalls', () => {
  it('logs what a guest writes, however long', () => {
    const message = `${'x'.repeat(1500)}\n`
    d1.poke(va(8), new TextEncoder().encode(message))
    expect(call(xen.__HYPERVISOR_console_io, xen.CONSOLEIO_write, message.length, va(8))).toBe(0)
    expect(machine.logged).toBe(message)
    expect(call(xen.__HYPERVISOR_console_io, xen.CONSOLEIO_read, 10, va(8))).toBe(EPERM)
    expect(call(xen.__HYPERVISOR_console_io, xen.CONSOLEIO_write, 10, va(HOLE_PFN))).toBe(EFAULT)
    expect(call(xen.__HYPERVISOR_console_io, xen.CONSOLEIO_write, -1, va(8))).toBe(EINVAL)
    expect(call(xen.__HYPERVISOR_console_io, 7, 1, va(8))).toBe(EPERM)
    expect(call(xen.__HYPERVISOR_console_io, xen.CONSOLEIO_write, 16 * 4096, va(8))).toBe(0)
    expect(machine.detours.length).toBeGreaterThan(1)
  })

  it('switches assists that exist', () => {
    const assist = (cmd: number, type: number) => call(xen.__HYPERVISOR_vm_assist, cmd, type)
    const bits = () => [0, 1].map((i) => DOMAIN.vmAssist.load(d1.state.memory, 0, i))
    expect([assist(0, 2), assist(0, 32), bits()]).toEqual([0, 0, [4, 1]])
    expect([assist(1, 2), bits()]).toEqual([0, [0, 1]])
    expect([assist(0, 6), assist(0, 33), assist(0, 64), assist(2, 2)]).toEqual([EINVAL, EINVAL, EINVAL, ENOSYS])
  })

  it('sets IOPL and the port bitmap', () => {
    const iopl = (iopl: number) =>
      machine.op(d1, xen.__HYPERVISOR_physdev_op, physdev.PHYSDEVOP_set_iopl, physdev.physdev_set_iopl, { iopl }).result
    const ports = (nr_ports: number) =>
      machine.op(d1, xen.__HYPERVISOR_physdev_op, physdev.PHYSDEVOP_set_iobitmap, physdev.physdev_set_iobitmap, {
        nr_ports,
      }).result
    expect([iopl(1), iopl(4), ports(65_536), ports(65_537)]).toEqual([0, EINVAL, 0, EINVAL])
    expect(machine.asked()).toEqual(['iopl d1v0 1', 'iobitmap d1v0 65536'])
    const eoi = (gmfn: number) =>
      machine.op(d1, xen.__HYPERVISOR_physdev_op, 28, physdev.physdev_pirq_eoi_gmfn, { gmfn }).result
    expect([eoi(7), eoi(gmfnOf(READ_ONLY_PFN)), eoi(gmfnOf(9)), eoi(gmfnOf(9))]).toEqual([EINVAL, EINVAL, 0, EBUSY])
    expect(d1.frame(gmfnOf(9)).references).toBe(1)
    expect(call(xen.__HYPERVISOR_physdev_op, physdev.PHYSDEVOP_map_pirq, va(1))).toBe(EPERM)
  })

  it('keeps the toolstack’s calls from guests, and knows nothing of what is not there', () => {
    const { __HYPERVISOR_sysctl: sysctl, __HYPERVISOR_domctl: domctl, __HYPERVISOR_platform_op: platform } = xen
    const head = (nr: number, version: number) => {
      d1.poke(va(1), new Uint8Array(new Uint32Array([1, version]).buffer))
      return [call(nr, va(1)), call(nr, va(HOLE_PFN))]
    }
    expect([head(sysctl, 0x15), head(domctl, 0x15), head(platform, 0x0300_0001)]).toEqual(
      Array(3).fill([EPERM, EFAULT]),
    )
    expect([head(sysctl, 1), head(domctl, 1), head(platform, 1)]).toEqual(Array(3).fill([EACCES, EFAULT]))
    expect(call(xen.__HYPERVISOR_xenpmu_op, 4, va(1))).toBe(EOPNOTSUPP)
    expect([xen.__HYPERVISOR_tmem_op, 11, 63, 64, 2 ** 40].map((nr) => call(nr, va(1)))).toEqual(Array(5).fill(ENOSYS))
  })

  it('registers an NMI callback of the vCPU that asks', () => {
    d1.poke(va(1), new Uint8Array(new BigUint64Array([0xffff_ffff_8100_0000n, 0n]).buffer))
    expect([call(xen.__HYPERVISOR_nmi_op, 0, va(1)), machine.call(d1, 1, xen.__HYPERVISOR_nmi_op, 0, va(1))]).toEqual([
      0, 0,
    ])
    expect(call(xen.__HYPERVISOR_nmi_op, 1, 0)).toBe(0)
    expect(machine.asked()).toEqual(['nmi d1v0 ffffffff81000000', 'nmi d1v1 ffffffff81000000', 'nmi d1v0 0'])
  })
})

describe('multicall', () => {
  const ENTRY = 64
  function entries(...calls: (bigint | number)[][]): void {
    for (const [i, words] of calls.entries()) {
      const [op = 0, ...args] = words
      const entry = new BigUint64Array(8)
      entry.set([BigInt(op), 0x5555n, ...args.map((arg) => BigInt.asUintN(64, BigInt(arg)))])
      d1.poke(va(9, i * ENTRY), new Uint8Array(entry.buffer))
    }
  }
  const result = (i: number) => Number(d1.peek(va(9, i * ENTRY + 8), 8).getBigInt64(0, true))

  it('does each call and keeps each result', () => {
    entries(
      [xen.__HYPERVISOR_vm_assist, 0, 2],
      [xen.__HYPERVISOR_vm_assist, 0, 99],
      [xen.__HYPERVISOR_multicall, va(9), 1],
      [2 ** 33],
      [xen.__HYPERVISOR_xen_version, 0],
    )
    expect(call(xen.__HYPERVISOR_multicall, va(9), 5)).toBe(0)
    expect([0, 1, 2, 3, 4].map(result)).toEqual([0, EINVAL, EINVAL, ENOSYS, (4 << 16) | 17])
  })

  it('faults at what it cannot read or answer, with what came before done', () => {
    entries([xen.__HYPERVISOR_xen_version, 0])
    expect(call(xen.__HYPERVISOR_multicall, va(HOLE_PFN), 1)).toBe(EFAULT)
    expect(call(xen.__HYPERVISOR_multicall, va(READ_ONLY_PFN), 1)).toBe(EFAULT)
    expect(call(xen.__HYPERVISOR_multicall, va(9), 0)).toBe(0)
    expect(result(0)).toBe(0x5555)
  })

  it('can be interrupted between entries and inside one', () => {
    const many = Array.from({ length: 63 }, () => [xen.__HYPERVISOR_vm_assist, 0, 2])
    entries(...many, [xen.__HYPERVISOR_console_io, 0, 16 * 1024 + 1, va(8)])
    expect(call(xen.__HYPERVISOR_multicall, va(9), 64)).toBe(0)
    expect(machine.detours).toEqual(['continue'])
    expect([result(0), result(62), result(63), machine.logged.length]).toEqual([0, 0, 0, 16 * 1024 + 1])
  })
})

describe('the table', () => {
  it('refuses two rows of one number, and says whose', () => {
    const row = { nr: 1, name: 'mmu_update', callers: 'any', handler: () => 0 } as const
    expect(
      () =>
        new HypercallTable([
          { id: 'a', rows: [row] },
          { id: 'b', rows: [row] },
        ]),
    ).toThrow("b: hypercall 1 (mmu_update) is a's already; remove one of the rows")
    expect(() => new HypercallTable([{ id: 'a', rows: [{ ...row, nr: 64 }] }])).toThrow('is not below 64')
  })
})
