/** A guest to trust: kernels of several makes and an initramfs that is not ours run unchanged, from 80 MiB to 3.5 GiB. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { CliGuest } from './cli-guest.ts'
import { bootDebian, HANG_MS } from './debian-boot.ts'
import { writeForeignInitramfs } from './foreign-initramfs.ts'
import { makeGrubLoader } from './grub-image.ts'
import type { How, Outcome } from './point.ts'

const MOST = 3584
/** The standard kernel's least is that of a real Xen 4.17: with 80 MiB it runs out of memory there as well. */
const LINUX: readonly { readonly guest: string; readonly sizes: readonly number[] }[] = [
  { guest: 'debian', sizes: [80, 256, MOST] },
  { guest: 'debian-standard', sizes: [88, 256, 1024, MOST] },
]
const GRUB_SIZES: readonly number[] = [80, 256, MOST]

export async function kernels(how: How): Promise<Outcome> {
  const faults: string[] = []
  const values: string[] = []
  const seconds: Record<string, number> = {}
  const note = (what: string, boot: number, fault: string | undefined): void => {
    how.progress(`${what}: ${fault ?? `${boot} s`}`)
    seconds[what] = boot
    values.push(`${what} ${boot} s`)
    if (fault !== undefined) faults.push(`${what}: ${fault}`)
  }
  const linux = async (what: string, args: readonly string[]): Promise<void> => {
    const { boot, fault } = await bootDebian(args)
    note(what, boot, fault)
  }
  for (const { guest, sizes } of LINUX) {
    for (const memory of ends(sizes, how)) {
      await linux(`${guest} ${memory} MiB`, ['--guest', guest, '--memory', `${memory}`])
    }
  }
  for (const memory of ends(GRUB_SIZES, how)) {
    const { boot, fault } = await bootGrub(memory)
    note(`grub ${memory} MiB`, boot, fault)
  }
  const folder = await mkdtemp(join(tmpdir(), 'paravane-kernels-'))
  try {
    const { kernel, ramdisk } = await obtainDebianGuest({ flavour: 'standard', progress: how.progress })
    const foreign = join(folder, 'initrd.zst')
    await writeForeignInitramfs(foreign)
    const own = ['name=own', '--extra', 'console=hvc0']
    for (const memory of ends([128, MOST], how)) {
      const files = ['--kernel', kernel, '--ramdisk', foreign]
      await linux(`standard with a zstd initramfs of dash ${memory} MiB`, [...files, ...own, '--memory', `${memory}`])
    }
    const loader = await makeGrubLoader(folder, { kernel, ramdisk }, how.progress)
    await linux('standard, loaded by GRUB 512 MiB', ['--kernel', loader, ...own, '--memory', '512'])
  } finally {
    await rm(folder, { recursive: true })
  }
  const short = how.short ? ' (short form)' : ''
  return { pass: faults.length === 0, value: values.join(', ') + short, faults, facts: { seconds } }
}

/** All sizes, or in the short form the first and the last. */
function ends(sizes: readonly number[], { short }: How): readonly number[] {
  return short ? [sizes[0], sizes[sizes.length - 1]] : sizes
}

interface GrubEnd {
  readonly boot: number
  readonly fault?: string
}

/** To its prompt, where it has to count its memory and power off. */
async function bootGrub(memory: number): Promise<GrubEnd> {
  const guest = new CliGuest(['--guest', 'grub', '--memory', `${memory}`])
  let boot = Number.POSITIVE_INFINITY
  try {
    await guest.shows('grub> ', HANG_MS)
    boot = Math.round((performance.now() - guest.begin) / 10) / 100
    guest.type('lsmmap\nhalt\n')
    const { status, stdout, stderr } = await guest.ends(HANG_MS)
    if (status !== 0 || !stderr.includes(' powered off')) return { boot, fault: `exit status ${status}: ${stderr}` }
    const lengths = [...stdout.matchAll(/length = 0x([0-9a-f]+)/g)].map(([, hex]) => Number.parseInt(hex, 16))
    const total = lengths.reduce((sum, length) => sum + length, 0) / 2 ** 20
    return total === memory ? { boot } : { boot, fault: `it counts ${total} MiB of ${memory}` }
  } catch (error) {
    return { boot, fault: (error as Error).message }
  } finally {
    await guest.kill()
  }
}
