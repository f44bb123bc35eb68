import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { makeRamdisk, WORKLOAD } from './bench-image.ts'
import { type GuestShape, guestRun, nativeRun, startParavane, startQemu } from './machines.ts'
import { interleaved, type PartInit, type Result } from './part.ts'
import { END } from './report.ts'
import { rivalsCommand } from './rivals-command.ts'

const MEMORY_MIB = 512

/** Names of the kernels that the workload has. */
export async function kernelNames(workload: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(workload, ['--list'])
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[0])
}

/** The workload's kernels in Debian's cloud kernel, and as a plain process. */
export async function kernelsPart(init: PartInit): Promise<Result> {
  const { workload, names, time, batches, qemu, progress } = init
  const { kernel, ramdisk, kernelVersion } = await obtainDebianGuest({ progress })
  const shape: GuestShape = { kernel, ramdisk: await makeRamdisk(ramdisk, workload), memory: MEMORY_MIB }
  const line = (program: string): string => [program, '-t', time, '-b', batches, ...names].join(' ')
  const run = {
    paravane: () => guestRun((extra) => startParavane(shape, extra, init.kept), line(WORKLOAD), 'paravane'),
    tcg: () => guestRun((extra) => startQemu(qemu, shape, extra), line(WORKLOAD), 'tcg'),
    native: () => nativeRun('/bin/sh', ['-c', `${line(workload)} && echo ${END}`]),
  }
  const load = [
    ['kernels', `${line('workload')} in Linux ${kernelVersion}, ${MEMORY_MIB} MiB, 1 vCPU`],
    ['kernels in the rival', rivalsCommand(qemu, shape)],
  ] as const
  return { rows: await interleaved('kernels', run, init), load }
}
