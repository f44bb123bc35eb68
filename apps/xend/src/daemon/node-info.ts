/** What `xm info` shows of the host and the hypervisor (tools/python/xen/xend/XendNode.py of Xen 4.1, info), in its order. */
import { hostname, machine, release, version } from 'node:os'
import { XEN_4_17 } from '@paravane/core'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import { cpuMhz, hostMemory } from './host-facts.ts'

const MIB = 2 ** 20
const PAGE_SIZE = 4096
const CONFIG_FORMAT = 4

export type NodeInfo = Readonly<Record<string, string | number>>

export function nodeInfo({ pcpus, scheduler, hwCaps, commandline }: ControlInfo): NodeInfo {
  const { major, minor, extraVersion, compiler, compileBy, compileDomain, compileDate, changeset } = XEN_4_17
  const { total, free } = hostMemory()
  return {
    host: hostname(),
    release: release(),
    version: version(),
    machine: machine(),
    nr_cpus: pcpus,
    nr_nodes: 1,
    cores_per_socket: pcpus,
    threads_per_core: 1,
    cpu_mhz: cpuMhz(),
    hw_caps: hwCaps,
    virt_caps: '',
    total_memory: Math.floor(total / MIB),
    free_memory: Math.floor(free / MIB),
    free_cpus: 0,
    xen_major: major,
    xen_minor: minor,
    xen_extra: extraVersion,
    xen_caps: 'xen-3.0-x86_64 ',
    xen_scheduler: scheduler,
    xen_pagesize: PAGE_SIZE,
    platform_params: 'virt_start=0xffff800000000000',
    xen_changeset: changeset,
    xen_commandline: commandline,
    cc_compiler: compiler,
    cc_compile_by: compileBy,
    cc_compile_domain: compileDomain,
    cc_compile_date: compileDate,
    xend_config_format: CONFIG_FORMAT,
  }
}
