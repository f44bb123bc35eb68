/** Running what believes to be root: as root it is; others are so in a user namespace of their own, where fakeroot keeps the owners. */
import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { CodedError, systemPath } from '@paravane/core'
import type { Progress } from '../../guest-image/apt.ts'
import { obtainPackage } from '../../guest-image/host-program.ts'
import { runTool } from '../run-tool.ts'

/** A command line, and what it needs. */
export interface AsRoot {
  readonly path: string
  readonly args: readonly string[]
  /** Added to this process's variables. */
  readonly environment: NodeJS.ProcessEnv & { readonly PATH: string }
  /** Of fakeroot's library, which has to be at the same path within a tree that programs change their root to. */
  readonly library?: string
}

/** Only one user is known in the namespace, so a terminal's group is not, either. */
const MOUNT = `#!/bin/sh
case " $* " in
  *" devpts "*) exec /bin/mount -t devpts none "$4" -o noexec,nosuid,mode=620,ptmxmode=666 ;;
esac
exec /bin/mount "$@"
`

/** With fakeroot's owners, without a namespace: for what only reads and writes files. @param command a program and its arguments */
export async function withOwners(command: readonly string[], progress: Progress): Promise<AsRoot> {
  const [path, ...args] = command
  const environment = { PATH: systemPath() }
  if (process.getuid?.() === 0) return { path, args, environment }
  const fake = await fakeroot(progress)
  return { path: fake.program, args: [...fake.args, '--', ...command], environment, library: fake.library }
}

/**
 * In namespaces of its own, with all that it mounts gone at its end.
 * @param scratch a folder for what it needs
 * @throws CodedError `NAMESPACES_REFUSED`
 */
export async function inNamespace(command: readonly string[], scratch: string, progress: Progress): Promise<AsRoot> {
  const isRoot = process.getuid?.() === 0
  const namespaces = [
    ...(isRoot ? [] : ['--map-root-user']),
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ]
  await checkNamespaces(namespaces)
  if (isRoot) return { path: 'unshare', args: [...namespaces, ...command], environment: { PATH: systemPath() } }
  const fake = await fakeroot(progress)
  await writeFile(join(scratch, 'mount'), MOUNT)
  await chmod(join(scratch, 'mount'), 0o755)
  const environment = { PATH: [scratch, systemPath()].join(delimiter), FAKEROOTDONTTRYCHOWN: '1' }
  return {
    path: 'unshare',
    args: [...namespaces, fake.program, ...fake.args, '--', ...command],
    environment,
    library: fake.library,
  }
}

/** Of the cache, even where one is installed: so its library's path is known. */
async function fakeroot(progress: Progress): Promise<{ program: string; args: string[]; library: string }> {
  const [program, files] = [await obtainPackage('fakeroot', progress), await obtainPackage('libfakeroot', progress)]
  const library = join(files, 'usr/lib/x86_64-linux-gnu/libfakeroot/libfakeroot-sysv.so')
  const faked = join(program, 'usr/bin/faked-sysv')
  return { program: join(program, 'usr/bin/fakeroot-sysv'), args: ['--lib', library, '--faked', faked], library }
}

/** @throws CodedError `NAMESPACES_REFUSED` */
export async function checkNamespaces(options: readonly string[]): Promise<void> {
  try {
    await runTool({ path: 'unshare', args: [...options, 'true'] })
  } catch (cause) {
    const message = `this host lets you have no namespaces, in which a Debian is installed (${(cause as Error).message}); \
run it as root, or have them allowed (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)`
    throw new CodedError({ code: 'NAMESPACES_REFUSED' }, message, { cause })
  }
}
