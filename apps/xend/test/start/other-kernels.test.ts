import { expect, test } from 'vitest'
import { runCli } from './cli.ts'

/** Packages may have to be fetched, on a machine busy with other tests. */
const BOOT_LIMIT_MS = 600_000

test(
  'the kernel that Debian installs on machines boots to a shell, its own modules loaded',
  async () => {
    const input = 'uname -r; cut -d" " -f1 /proc/modules | sort | tr "\\n" +; echo; poweroff -f\n'
    const { status, stdout, stderr } = await runCli(['--guest', 'debian-standard'], { input })
    expect(stdout).toMatch(/^\d[\w.+~]*(-\d+)?-amd64\r\nxen_blkfront\+xen_netfront\+/m)
    expect(stderr).toMatch(/debian-standard powered off: booted in /)
    expect(status).toBe(0)
  },
  BOOT_LIMIT_MS,
)

test(
  'GRUB, a kernel that is not Linux, takes commands, knows its memory and powers off',
  async () => {
    const { status, stdout, stderr } = await runCli(['--guest', 'grub'], { input: 'ls\nlsmmap\nhalt\n' })
    expect(stdout).toMatch(/GNU GRUB {2}version/)
    expect(stdout).toMatch(/^\(memdisk\) \(proc\)/m)
    const [, free, taken] =
      /length = 0x([0-9a-f]+), available RAM\s+.*length = 0x([0-9a-f]+), reserved/.exec(stdout) ?? []
    expect(Number.parseInt(free, 16) + Number.parseInt(taken, 16)).toBe(64 << 20)
    expect(stderr).toMatch(/grub powered off: booted in /)
    expect(status).toBe(0)
  },
  BOOT_LIMIT_MS,
)
