/** The three that run the workload, each as a process of its own that ends with it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { runArgument } from '../../apps/xend/src/guest-image/init-script.ts'
import { CliGuest } from '../accept/cli-guest.ts'
import { ConsoleProcess } from '../accept/console-process.ts'
import { type BenchImage, WORKLOAD } from './bench-image.ts'
import { identityOf, OUR_CPU, QEMU_CPU } from './cpu-identity.ts'
import type { MachineName, Run } from './kinds.ts'
import { END, readReport } from './report.ts'

/** A guest's files and its memory in MiB. */
export interface GuestShape extends Pick<BenchImage, 'kernel' | 'ramdisk'> {
  readonly memory: number
}

/** Arguments of `npm start`. */
export function paravaneArgs({ kernel, ramdisk, memory }: GuestShape, extra: string): string[] {
  const files = ['--kernel', kernel, '--ramdisk', ramdisk, '--memory', `${memory}`]
  return [...files, '--cpu', OUR_CPU, '--pcpus', '1', '--extra', `console=hvc0 quiet${extra}`]
}

/** Arguments of qemu-system-x86_64: nothing that the guest would have to look for besides a console. */
export function qemuArgs({ kernel, ramdisk, memory }: GuestShape, extra: string): string[] {
  const machine = ['-accel', 'tcg', '-machine', 'pc', '-smp', '1', '-m', `${memory}`, '-cpu', QEMU_CPU]
  const devices = ['-nodefaults', '-display', 'none', '-vga', 'none', '-serial', 'stdio', '-no-reboot']
  return [...machine, ...devices, '-kernel', kernel, '-initrd', ramdisk, '-append', `console=ttyS0 quiet${extra}`]
}

/** Runs a line for sh with the workload's arguments in mind. */
export interface Machine {
  readonly name: MachineName
  run(script: string, limitMs: number): Promise<Run>
}

const inGuest = (script: string): string =>
  ` ${runArgument(`${WORKLOAD} --cpu; echo "@linux $(uname -srvm)"; ${script} && echo ${END}`)}`

export function paravane(shape: GuestShape): Machine {
  return {
    name: 'paravane',
    run: (script, limitMs) => guestRun(new CliGuest(paravaneArgs(shape, inGuest(script))), 'paravane', limitMs),
  }
}

export function tcg(qemu: string, shape: GuestShape): Machine {
  return {
    name: 'tcg',
    run: (script, limitMs) => guestRun(new ConsoleProcess(qemu, qemuArgs(shape, inGuest(script))), 'tcg', limitMs),
  }
}

async function guestRun(guest: ConsoleProcess, who: MachineName, limitMs: number): Promise<Run> {
  try {
    const { stdout, stderr } = await guest.ends(limitMs)
    const { cpuid, ...run } = readReport(stdout, who)
    if (run.measures.length === 0) throw new Error(`${who} measured nothing: ${stderr.slice(-300)}`)
    return { ...run, cpu: identityOf(cpuid) }
  } finally {
    await guest.kill()
  }
}

/** This machine: the same program, started as any other. */
export function native(workload: string): Machine {
  return {
    name: 'native',
    async run(script, limitMs) {
      const line = `${script.replaceAll(WORKLOAD, workload)} && echo ${END}`
      const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line], { timeout: limitMs, maxBuffer: 1 << 24 })
      const { measures } = readReport(stdout, 'native')
      return { measures }
    },
  }
}
