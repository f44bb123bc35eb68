import { readFile } from 'node:fs/promises'
import { obtainDebianGuest } from '../../../apps/xend/src/guest-image/debian-guest.ts'
import { runArgument } from '../../../apps/xend/src/guest-image/init-script.ts'
import type { DomainRequest } from '../../../libs/core/src/host/hypervisor-api.ts'
import { makeRamdisk, WORKLOAD } from '../../bench/bench-image.ts'
import { type CodePlace, compileWorkload } from '../../bench/compile-workload.ts'

/** For sh: after a word the same work without end: text, pipes and processes. */
export const SAME_WORK: string = `echo working; while :; do ${WORKLOAD} --text 1000000 | gzip -9 | md5sum >/dev/null; done`

/** Debian's cloud kernel with the bench's workload, that runs a line for sh as soon as it has booted and powers off after it. */
export async function benchGuest(
  name: string,
  script: string,
  progress: (line: string) => void,
  code: CodePlace = 'fixed',
): Promise<DomainRequest> {
  const { path } = await compileWorkload(progress, code)
  const { kernel, ramdisk } = await obtainDebianGuest({ progress })
  return {
    name,
    kernel: { bytes: await readFile(kernel), name: 'vmlinuz' },
    ramdisk: { bytes: await readFile(await makeRamdisk(ramdisk, path)), name: 'bench' },
    cmdline: `console=hvc0 quiet ${runArgument(script)}`,
    memory: 256,
    vcpus: 1,
  }
}
