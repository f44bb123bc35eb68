import { gzipSync } from 'node:zlib'
import { type CpioEntry, writeCpio } from './cpio-newc.ts'
import { INIT_SCRIPT, MODULE_LIST_PATH, STOP_COMMANDS } from './init-script.ts'
import type { KernelModule } from './kernel-modules.ts'

export interface InitramfsContents {
  /** A statically linked busybox. */
  readonly busybox: Uint8Array
  /** Its applets, each of which gets a link in /bin; without any, /init makes the links. */
  readonly applets: readonly string[]
  /** As in `uname -r`. */
  readonly kernelVersion: string
  /** In the order in which they are to be inserted. */
  readonly modules: readonly KernelModule[]
}

/** The guest's whole file system, gzipped; the same contents give the same bytes. */
export function buildInitramfs({ busybox, applets, kernelVersion, modules }: InitramfsContents): Uint8Array {
  const moduleFolder = `lib/modules/${kernelVersion}`
  const moduleList = modules.map(({ file }) => `/${moduleFolder}/${file}\n`).join('')
  const entries: CpioEntry[] = [
    ...['bin', 'dev', 'lib', 'lib/modules', moduleFolder, 'mnt', 'proc', 'sbin', 'sys', 'tmp'].map(directory),
    { type: 'character-device', path: 'dev/console', device: { major: 5, minor: 1 } },
    { type: 'character-device', path: 'dev/null', mode: 0o666, device: { major: 1, minor: 3 } },
    { type: 'file', path: 'init', mode: 0o755, data: Buffer.from(INIT_SCRIPT) },
    ...Object.entries(STOP_COMMANDS).map(
      ([name, text]): CpioEntry => ({ type: 'file', path: `sbin/${name}`, mode: 0o755, data: Buffer.from(text) }),
    ),
    { type: 'file', path: 'bin/busybox', mode: 0o755, data: busybox },
    ...applets.filter((name) => name !== 'busybox').map(appletLink),
    ...modules.map(({ file, data }): CpioEntry => ({ type: 'file', path: `${moduleFolder}/${file}`, data })),
    { type: 'file', path: MODULE_LIST_PATH, data: Buffer.from(moduleList) },
  ]
  return gzipSync(writeCpio(entries), { level: 9 })
}

function directory(path: string): CpioEntry {
  return { type: 'directory', path }
}

function appletLink(name: string): CpioEntry {
  return { type: 'symlink', path: `bin/${name}`, target: 'busybox' }
}
