import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from './cli.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-cli-'))
  await writeFile(join(folder, 'text'), 'no kernel at all')
  await writeFile(join(folder, 'cut.elf'), Buffer.from('7f454c4602010100', 'hex'))
  await writeFile(join(folder, 'bad.cfg'), "name = 'a'\nmemory = 64 / 4\n")
  await writeFile(join(folder, 'vif.cfg'), "name = 'a'\n\nvif = ['mtu=9']\n")
  await writeFile(join(folder, '(1)'), '')
  await mkdir(join(folder, 'no-programs'))
})
afterAll(() => rm(folder, { recursive: true }))

/** FOLDER stands for the test's folder. Each answer is one line, whole, but for what may go before it. */
const BEFORE_START: readonly (readonly [args: string, status: number, answer: string])[] = [
  ['--memroy=3', 2, 'unknown option --memroy; `npm start -- --help` lists the options'],
  ['--guest minix', 2, '--guest must be debian, debian-standard, debian-disk, grub, or hello, not minix'],
  [
    '--config FOLDER/none.cfg',
    1,
    '--config: cannot read FOLDER/none.cfg: there is no such file; name a file that can be read',
  ],
  [
    '--config FOLDER/bad.cfg',
    1,
    'FOLDER/bad.cfg:2: / after the value of memory; config files are read, never executed; write the value itself',
  ],
  ['--config FOLDER/vif.cfg', 1, 'FOLDER/vif.cfg:3: vif: mtu="9" must be a whole number from 68 to 65521'],
  [
    '--config FOLDER/(1)',
    1,
    'FOLDER/(1): the file\'s name as name must be a name of letters, digits and _ . : + -, not "(1)"',
  ],
  ['--memory some', 1, '--memory must be a whole number from 1 to 3840, not "some"'],
  ['on_reboot=restart', 1, "argument on_reboot must be 'destroy' with --alone, as the guest ends with this process"],
  ['--kernel FOLDER/none', 1, '--kernel: cannot read FOLDER/none: there is no such file; name a file that can be read'],
  ['--kernel FOLDER', 1, '--kernel: cannot read FOLDER: it is no regular file; name a file that can be read'],
  [
    '--kernel FOLDER/text --ramdisk FOLDER/none',
    1,
    '--ramdisk: cannot read FOLDER/none: there is no such file; name a file that can be read',
  ],
  ['--guest debian-disk bootloader= disk=', 1, "the guest has no kernel; add bootloader = 'pygrub', or --kernel FILE"],
  ['--ramdisk FOLDER/text', 1, '--ramdisk needs the kernel it was made for: add --kernel FILE'],
  [
    '--guest hello --kernel FOLDER/text',
    2,
    '--kernel: the guest hello has a kernel of its own; leave --guest or the kernel out',
  ],
]

test.concurrent.each(BEFORE_START)('%s', async (args, status, answer) => {
  const inFolder = (text: string): string => text.replaceAll('FOLDER', folder)
  expect(await runCli(inFolder(args).split(' '))).toEqual({
    status,
    stdout: '',
    stderr: `paravane: ${inFolder(answer)}\n`,
  })
})

test('without apt, the two files to give are named', async () => {
  const env = { ...process.env, PATH: join(folder, 'no-programs'), XDG_CACHE_HOME: folder }
  const { status, stdout, stderr } = await runCli([], { env })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toBe(
    'paravane: apt-cache is not on this machine; give a Linux PV kernel and a ramdisk of your own: ' +
      "--kernel FILE --ramdisk FILE (Debian's vmlinuz serves)\n",
  )
})

test('--help is shown on standard output', async () => {
  const { status, stdout, stderr } = await runCli(['--help'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^usage: npm start -- /)
})
