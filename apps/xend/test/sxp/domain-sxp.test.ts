import { expect, test } from 'vitest'
import { readDomainConfig } from '../../src/config/domain-config.ts'
import { readSettings } from '../../src/config/settings.ts'
import { configSxp } from '../../src/sxp/config-sxp.ts'
import { domainSxp } from '../../src/sxp/domain-sxp.ts'
import { prettySxp } from '../../src/sxp/sxp.ts'

const UUID = '01234567-89ab-cdef-0123-456789abcdef'

test('a config is written in the order of xm, with what is set', () => {
  const text = `kernel = '/boot/vmlinuz'; ramdisk = '/boot/initrd'; memory = 256; name = 'web'; vcpus = 1; maxvcpus = 2; cpus = '0-1'
root = '/dev/xvda1 ro'; extra = '4'; on_crash = 'preserve'; uuid = '${UUID}'; cpu_weight = 512; dhcp = 'dhcp'
description = 'the first'; acpi = 1
disk = ['phy:vg/web,xvda,w', 'tap:qcow2:/d.qcow2,xvdb,r', ',hdc:cdrom,r']; vif = ['', 'bridge=inside,rate=10Mb/s@50ms']
`
  const settings = readSettings(text, 'web.cfg', [])
  const config = readDomainConfig(settings, () => {})
  expect(prettySxp(configSxp(config, settings))).toBe(`(vm
    (name web)
    (memory 256)
    (on_crash preserve)
    (on_xend_start ignore)
    (on_xend_stop ignore)
    (description 'the first')
    (vcpu_avail 1)
    (vcpus 2)
    (uuid ${UUID})
    (cpus 0-1)
    (cpu_weight 512)
    (oos 1)
    (image
        (linux
            (kernel /boot/vmlinuz)
            (ramdisk /boot/initrd)
            (ip :127.0.255.255::::eth0:dhcp)
            (root '/dev/xvda1 ro')
            (videoram 4)
            (args 4)
            (tsc_mode 0)
            (nomigrate 0)
        )
    )
    (s3_integrity 1)
    (device (vbd (uname phy:vg/web) (dev xvda) (mode w)))
    (device (tap2 (uname tap:qcow2:/d.qcow2) (dev xvdb) (mode r)))
    (device (vbd (uname ) (dev hdc:cdrom) (mode r)))
    (device (vif))
    (device (vif (bridge inside) (rate '10Mb/s@50ms')))
)
`)
})

const DEFINITION = {
  config: {
    name: 'web',
    uuid: UUID,
    kernel: '/boot/vmlinuz',
    cmdline: 'root=/dev/xvda1 ro 4',
    memory: 256,
    vcpus: 2,
    affinity: [[0, 2]],
    online: [0],
    devices: [
      { type: 'vbd', config: 'phy:vg/web,xvda,w' },
      { type: 'vbd', config: '/d.qcow2,qcow2,xvdb,w' },
      { type: 'vif', config: 'rate=1MB/s,mac=00:16:3e:00:00:01,backend=0,bridge=inside' },
    ],
  },
  policies: { poweroff: 'destroy', reboot: 'restart', crash: 'coredump-restart' },
  onXendStart: 'start',
} as const

test('a running domain is written in the order of xend', () => {
  const numbers = { domid: 5, cpuSeconds: 1.25, started: 1_795_442_400_123 }
  const domain = { ...numbers, name: 'web', uuid: UUID, memoryMiB: 256, vcpus: 2, state: 'blocked' }
  expect(prettySxp(domainSxp({ domain, managed: true, definition: DEFINITION }))).toBe(`(domain
    (domid 5)
    (cpu_weight 256)
    (cpu_cap 0)
    (pool_name Pool-0)
    (bootloader )
    (on_crash coredump-restart)
    (uuid ${UUID})
    (bootloader_args )
    (vcpus 2)
    (name web)
    (on_poweroff destroy)
    (on_reboot restart)
    (cpus ((0 2) ()))
    (maxmem 256)
    (memory 256)
    (shadow_memory 0)
    (vcpu_avail 1)
    (features )
    (on_xend_start start)
    (on_xend_stop ignore)
    (start_time 1795442400.12)
    (cpu_time 1.25)
    (online_vcpus 1)
    (image
        (linux
            (kernel /boot/vmlinuz)
            (args 'root=/dev/xvda1 ro 4')
            (tsc_mode 0)
            (nomigrate 0)
        )
    )
    (status 2)
    (state -b----)
    (device
        (vif (bridge inside) (mac 00:16:3e:00:00:01) (rate 1MB/s) (backend 0))
    )
    (device
        (vbd
            (bootable 1)
            (driver paravirtualised)
            (dev xvda:disk)
            (uname phy:vg/web)
            (mode w)
            (backend 0)
        )
    )
    (device
        (tap2
            (bootable 0)
            (driver paravirtualised)
            (dev xvdb:disk)
            (uname tap:qcow2:/d.qcow2)
            (mode w)
            (backend 0)
        )
    )
)
`)
})

test('one that does not run has neither number nor state, and one of another toolstack no policies', () => {
  const facts = { name: 'web', uuid: UUID, memoryMiB: 256, vcpus: 1, cpuSeconds: 0 }
  const halted = { ...facts, domid: null, state: 'halted' } as const
  const inactive = prettySxp(domainSxp({ domain: halted, managed: true, definition: DEFINITION }))
  expect(inactive).toMatch(/^\(domain\n {4}\(cpu_weight 256\)\n/)
  expect(inactive).toMatch(/\n {4}\(online_vcpus 0\)\n/)
  expect(inactive).toMatch(/\n {4}\(status 0\)\n {4}\(device\n/)
  const foreign = prettySxp(domainSxp({ domain: { ...facts, domid: 3, state: 'crashed' }, managed: false }))
  expect(foreign).not.toMatch(/on_crash|cpu_weight|\(cpus|start_time/)
  expect(foreign).toMatch(/\n {4}\(status 5\)\n {4}\(state ----c-\)\n\)\n$/)
})
