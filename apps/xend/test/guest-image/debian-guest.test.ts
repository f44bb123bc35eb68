import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { obtainDebianGuest } from '../../src/guest-image/debian-guest.ts'
import { obtainGrubGuest } from '../../src/guest-image/grub-guest.ts'

/** A folder that stands for an apt host: programs of the same names that know two packages of our own making. */
let host: string
let cache: string
beforeEach(async () => {
  host = await mkdtemp(join(tmpdir(), 'paravane-apt-'))
  cache = join(host, 'cache')
  vi.stubEnv('PATH', `${join(host, 'bin')}:/usr/bin:/bin`)
  await mkdir(join(host, 'bin'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(host, { recursive: true })
})

async function program(name: string, script: string): Promise<void> {
  const path = join(host, 'bin', name)
  await writeFile(path, `#!/bin/sh\necho "${name} $*" >>${host}/log\n${script}`)
  await chmod(path, 0o755)
}

/** `for package; do :; done` leaves the last argument in `$package`. */
async function aptHost(): Promise<void> {
  await program(
    'apt-cache',
    `for package; do :; done
case $package in
linux-image-cloud-amd64) depends=linux-image-6.1.0-1-cloud-amd64 ;;
linux-image-amd64) depends='linux-image-6.1.0-1-cloud-amd64, linux-image-6.1.0-1-amd64' ;;
esac
printf 'Package: %s\\nVersion: 1.0\\nDepends: %s\\nSize: 5\\n' $package "$depends"`,
  )
  await program('apt-get', 'case "$*" in *" download "*) for package; do :; done; echo $package >$package.deb ;; esac')
  await program(
    'dpkg-deb',
    `mkdir -p $3; cd $3
case $(cat $2) in
linux-*)
  version=$(sed 's/linux-image-//; s/=.*//' $2)
  mkdir -p boot lib/modules/$version
  echo kernel >boot/vmlinuz-$version
  for m in xen-blkfront xen-netfront; do printf 'ELF\\0depends=\\0' >lib/modules/$version/$m.ko; done ;;
grub-*)
  mkdir -p usr/lib/grub-xen
  echo grub >usr/lib/grub-xen/grub-x86_64-xen.bin ;;
*)
  mkdir bin
  printf '#!/bin/sh\\necho ash; echo mount\\n' >bin/busybox
  chmod +x bin/busybox ;;
esac`,
  )
}

const OWN_FILES =
  "give a Linux PV kernel and a ramdisk of your own: --kernel FILE --ramdisk FILE (Debian's vmlinuz serves)"
const log = async (): Promise<string[]> => (await readFile(join(host, 'log'), 'utf8')).trim().split('\n')

test('the guest is made once, and then found without asking apt', async () => {
  await aptHost()
  const lines: string[] = []
  const options = { cache, progress: (line: string) => lines.push(line) }
  const guest = await obtainDebianGuest(options)
  expect(guest.kernelVersion).toBe('6.1.0-1-cloud-amd64')
  expect(await readFile(guest.kernel, 'utf8')).toBe('kernel\n')
  const ramdisk = gunzipSync(await readFile(guest.ramdisk)).toString('latin1')
  for (const name of ['init', 'bin/ash', 'bin/mount', 'lib/modules/6.1.0-1-cloud-amd64/xen-netfront.ko']) {
    expect(ramdisk).toContain(`${name}\0`)
  }
  expect(lines).toEqual([
    'fetching linux-image-6.1.0-1-cloud-amd64 1.0 (0.0 MB) ...',
    'fetching busybox-static 1.0 (0.0 MB) ...',
    'making the ramdisk ...',
  ])

  const calls = (await log()).length
  expect(await obtainDebianGuest(options)).toEqual(guest)
  expect((await log()).length).toBe(calls)
  expect(await obtainDebianGuest({ ...options, refresh: true })).toEqual(guest)
  expect(lines.length).toBe(3)
})

test('each of the kernels that Debian builds is a guest of its own', async () => {
  await aptHost()
  const options = { cache, progress: () => {} }
  const standard = await obtainDebianGuest({ ...options, flavour: 'standard' })
  expect(standard.kernelVersion).toBe('6.1.0-1-amd64')
  expect((await obtainDebianGuest(options)).kernelVersion).toBe('6.1.0-1-cloud-amd64')
  const calls = (await log()).length
  expect(await obtainDebianGuest({ ...options, flavour: 'standard' })).toEqual(standard)
  expect((await log()).length).toBe(calls)
})

test('GRUB is fetched once, and then found without asking apt', async () => {
  await aptHost()
  const options = { cache, progress: () => {} }
  const { kernel } = await obtainGrubGuest(options)
  expect(await readFile(kernel, 'utf8')).toBe('grub\n')
  const calls = (await log()).length
  expect(await obtainGrubGuest(options)).toEqual({ kernel })
  expect((await log()).length).toBe(calls)
  expect(await obtainGrubGuest({ ...options, refresh: true })).toEqual({ kernel })
  expect((await log()).length).toBeGreaterThan(calls)
})

test('lists that know no package are fetched into our own cache', async () => {
  await aptHost()
  await program('apt-cache', 'exit 100')
  await expect(obtainDebianGuest({ cache, progress: () => {} })).rejects.toMatchObject({
    code: 'APT_FAILED',
    message: `apt offers no package linux-image-cloud-amd64; Debian has it for amd64; ${OWN_FILES}`,
  })
  expect(await log()).toContain(
    `apt-get -o APT::Sandbox::User=root -o Dir::State::lists=${cache}/apt/lists -o Dir::Cache=${cache}/apt -qq update`,
  )
})

test.each([
  ['linux-image-cloud-amd64', 'it depends on no kernel package', 'apt-cache', 'depends=linux-[^ ]*', 'depends=kmod'],
  ['linux-image-6.1.0-1-cloud-amd64', 'it has no /boot/vmlinuz-*', 'dpkg-deb', 'vmlinuz-', 'vmlinux-'],
  ['FILES', 'it has none of lib/modules/6.1.0-1-cloud-amd64', 'dpkg-deb', 'lib/modules', 'lib/firmware'],
])('a package that is another than it was is named: %s, %s', async (name, why, tool, was, is) => {
  await aptHost()
  const path = join(host, 'bin', tool)
  const script = await readFile(path, 'utf8')
  await writeFile(path, script.replaceAll(new RegExp(was, 'g'), is))
  const error = await obtainDebianGuest({ cache, progress: () => {} }).catch((it: Error) => it)
  const { message } = error as Error
  expect(message.replaceAll(/package \/\S+/g, 'package FILES')).toContain(
    `the package ${name} is not as expected: ${why}`,
  )
  expect(message).toMatch(/; give a kernel and ramdisk of your own with --kernel FILE --ramdisk FILE$/)
})

test('what apt cannot do is told in its own words', async () => {
  await aptHost()
  await program('apt-get', 'echo "E: no space left" >&2; exit 100')
  const error = await obtainDebianGuest({ cache, progress: () => {} }).catch((it: Error) => it)
  expect((error as Error).message).toMatch(/^apt-get .* update: E: no space left; give a Linux PV kernel and a ramdisk/)
})

test('without apt the message says what to give in its place', async () => {
  vi.stubEnv('PATH', join(host, 'bin'))
  await expect(obtainDebianGuest({ cache })).rejects.toMatchObject({
    code: 'APT_MISSING',
    message: expect.stringMatching(/^apt-cache is not on this machine; .*--kernel FILE --ramdisk FILE/),
  })
})
