/** The three that run a script of the workload, each time in a process of its own that ends with it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { runArgument } from '../../apps/xend/src/guest-image/init-script.ts'
import { CliGuest } from '../accept/cli-guest.ts'
import { ConsoleProcess } from '../accept/console-process.ts'
import { WORKLOAD } from './bench-image.ts'
import { identityOf, OUR_CPU, QEMU_CPU } from './cpu-identity.ts'
import type { MachineName, Run } from './kinds.ts'
import type { Qemu } from './obtain-qemu.ts'
import { END, readReport } from './report.ts'

/** Longer than this no process takes; it hangs. */
export const LIMIT_MS = 1_800_000

/** A guest's files and its memory in MiB. It has one vCPU. */
export interface GuestShape {
  readonly kernel: string
  readonly ramdisk: string
  readonly memory: number
}

/** For both kernels: the rival's processor cannot say that it needs no mitigations, so that neither is given any. */
export const COMMAND_LINE = 'mitigations=off quiet'

/** Arguments of `npm start`. */
export function paravaneArgs({ kernel, ramdisk, memory }: GuestShape, extra: string, kept: boolean): string[] {
  const files = ['--kernel', kernel, '--ramdisk', ramdisk, '--memory', `${memory}`]
  const keep = kept ? [] : ['--no-keep']
  return [...files, ...keep, '--cpu', OUR_CPU, '--pcpus', '1', '--extra', `console=hvc0 ${COMMAND_LINE}${extra}`]
}

/**
 * Arguments of qemu-system-x86_64: nothing that the guest would have to look for besides a console. A host that is busy just when the
 * guest's kernel tries whether its timer works makes it give up, so it does not try.
 */
export function qemuArgs({ kernel, ramdisk, memory }: GuestShape, extra: string): string[] {
  const machine = ['-accel', 'tcg', '-machine', 'pc', '-smp', '1', '-m', `${memory}`, '-cpu', QEMU_CPU]
  const devices = ['-nodefaults', '-display', 'none', '-vga', 'none', '-serial', 'stdio', '-no-reboot']
  return [
    ...machine,
    ...devices,
    '-kernel',
    kernel,
    '-initrd',
    ramdisk,
    '-append',
    `console=ttyS0 no_timer_check ${COMMAND_LINE}${extra}`,
  ]
}

/** The guest's process, with words for the kernel's command line, and the compiled code of those before if `kept`. */
export function startParavane(shape: GuestShape, extra: string, kept: boolean): ConsoleProcess {
  return new CliGuest(paravaneArgs(shape, extra, kept))
}

export function startQemu({ program, leading, environment }: Qemu, shape: GuestShape, extra = ''): ConsoleProcess {
  return new ConsoleProcess(program, [...leading, ...qemuArgs(shape, extra)], { ...process.env, ...environment })
}

/** Has a guest run a line for sh as its only work, and reads what it reports. */
export async function guestRun(
  start: (extra: string) => ConsoleProcess,
  script: string,
  who: MachineName,
): Promise<Run> {
  const guest = start(` ${runArgument(`${WORKLOAD} --cpu; echo "@linux $(uname -srvm)"; ${script} && echo ${END}`)}`)
  try {
    const { stdout, stderr } = await guest.ends(LIMIT_MS)
    const { cpuid, ...run } = readReport(stdout, who, stderr)
    return { ...run, cpu: identityOf(cpuid) }
  } finally {
    await guest.kill()
  }
}

/** Has a program of this machine run it. */
export async function nativeRun(program: string, args: readonly string[]): Promise<Run> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: LIMIT_MS, maxBuffer: 1 << 24 })
  const { measures } = readReport(stdout, 'native')
  return { measures }
}
