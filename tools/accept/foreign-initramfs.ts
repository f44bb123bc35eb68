import { execFileSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { zstdCompressSync } from 'node:zlib'
import { type CpioEntry, writeCpio } from '../../apps/xend/src/guest-image/cpio-newc.ts'
import { PROMPT, READY } from './debian-boot.ts'

const PROGRAMS = ['/bin/dash', '/bin/mount', '/bin/cat', '/bin/uname', '/bin/ls'] as const

/** Shows what the examples' guest shows, so that the same dialogue drives it; there is no poweroff, so SysRq does it. */
const INIT = `#!/bin/dash
export PATH=/bin PS1='${PROMPT}'
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
exec </dev/hvc0 >/dev/hvc0 2>&1
poweroff() { echo o >/proc/sysrq-trigger; while :; do read -r ignored; done; }
uname -a
echo '${READY}'
while :; do
  printf '%s' "$PS1"
  read -r line && eval "$line"
done
`

/** An initramfs of another make than the examples': this host's own dynamic programs and libraries, packed with zstd. */
export async function writeForeignInitramfs(path: string): Promise<void> {
  const files = new Set<string>()
  for (const program of PROGRAMS) {
    files.add(program)
    for (const [library] of execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/\/\S+/g)) files.add(library)
  }
  const folders = new Set(['dev', 'proc'])
  for (const file of files) {
    const parts = file.slice(1).split('/').slice(0, -1)
    for (let n = 1; n <= parts.length; n++) folders.add(parts.slice(0, n).join('/'))
  }
  const entries: CpioEntry[] = [
    ...[...folders].sort().map((folder): CpioEntry => ({ type: 'directory', path: folder })),
    { type: 'character-device', path: 'dev/console', device: { major: 5, minor: 1 } },
    { type: 'file', path: 'init', mode: 0o755, data: Buffer.from(INIT) },
  ]
  for (const file of files) {
    entries.push({ type: 'file', path: file.slice(1), mode: 0o755, data: await readFile(realpathSync(file)) })
  }
  await writeFile(path, zstdCompressSync(writeCpio(entries)))
}
