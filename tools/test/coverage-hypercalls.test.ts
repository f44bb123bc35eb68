import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allRows, commandsOf, coveragePage, PAGE } from '../coverage-hypercalls.ts'
import { xenHeaderFolder } from '../xen-headers.ts'

const row = (name: string) => {
  const found = allRows().find((row) => row.name === name)
  if (found === undefined) throw new Error(`no hypercall ${name}`)
  return found
}

/** `#define PREFIX_name number` of a header. */
function constants(header: string, prefix: string): [name: string, value: number][] {
  const text = readFileSync(join(xenHeaderFolder(), header), 'utf8')
  const define = new RegExp(`^#define ${prefix}(\\w+)\\s+(0x[0-9a-f]+|\\d+)\\b`, 'gm')
  return [...text.matchAll(define)].map(([, name = '', value]) => [name, Number(value)])
}

/** Without the padding that the formatter gives tables. */
const unpadded = (page: string): string => page.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

test('docs/hypercalls.md is current: npm run coverage:hypercalls', () => {
  expect(unpadded(readFileSync(PAGE, 'utf8'))).toBe(unpadded(coveragePage()))
})

test('every hypercall of xen.h is in the table but those that nobody has, and is named as there', () => {
  const known = new Map(allRows().map(({ nr, name }) => [nr, name]))
  const there = constants('xen.h', '__HYPERVISOR_').filter(([name]) => !/^arch_/.test(name))
  expect(there.length).toBeGreaterThan(40)
  expect(there.map(([name, nr]) => [name, known.get(nr)])).toEqual(there.map(([name]) => [name, name]))
})

describe('every command of a header is in the table', () => {
  test.each<[call: string, header: string, prefix: string, no?: RegExp]>([
    ['memory_op', 'memory.h', 'XENMEM_', /^(paging_op_|access_op_|sharing_op_|SHARING|RDM_|resource_|FORK_)/],
    ['vcpu_op', 'vcpu.h', 'VCPUOP_'],
    ['sched_op', 'sched.h', 'SCHEDOP_'],
    ['event_channel_op', 'event_channel.h', 'EVTCHNOP_'],
    ['grant_table_op', 'grant_table.h', 'GNTTABOP_'],
    ['xen_version', 'version.h', 'XENVER_'],
    ['physdev_op', 'physdev.h', 'PHYSDEVOP_', /^DBGP_/],
    ['callback_op', 'callback.h', 'CALLBACKOP_'],
    ['nmi_op', 'nmi.h', 'XENNMI_'],
    ['mmuext_op', 'xen.h', 'MMUEXT_'],
    ['console_io', 'xen.h', 'CONSOLEIO_'],
    ['vm_assist', 'xen.h', 'VMASST_CMD_'],
    ['hvm_op', 'hvm/hvm_op.h', 'HVMOP_', /^(ALTP2M|altp2m_|op_)/],
    ['xenpmu_op', 'pmu.h', 'XENPMU_', /^(VER_|MODE_|FEATURE_)/],
    ['argo_op', 'argo.h', 'XEN_ARGO_OP_'],
    ['hypfs_op', 'hypfs.h', 'XEN_HYPFS_OP_'],
    ['xenoprof_op', 'xenoprof.h', 'XENOPROF_', /^(last_op|CPU_TYPE|TRACE)/],
  ])('%s, of %s', (call, header, prefix, no = /^$/) => {
    const known = new Map(commandsOf(row(call)).map(({ cmd, name }) => [cmd, name]))
    const there = constants(header, prefix).filter(([name]) => !no.test(name))
    expect(there.length).toBeGreaterThan(1)
    expect(there.map(([name, cmd]) => [name, known.get(cmd)])).toEqual(there.map(([name]) => [name, name]))
  })
})

test('no command is declared twice', () => {
  for (const row of allRows()) {
    const commands = commandsOf(row).map(({ cmd }) => cmd)
    expect(new Set(commands).size, row.name).toBe(commands.length)
  }
})
