import { availableParallelism } from 'node:os'
import { compose } from '../../apps/xend/src/compose.ts'
import type { Job } from './job.ts'
import { obtainUserland } from './obtain-userland.ts'
import { type JobEnd, UserlandGuest } from './userland-guest.ts'

export interface RunOptions {
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  /** Takes the console's bytes as they come. */
  readonly listener?: (bytes: Uint8Array) => void
  readonly progress: (line: string) => void
}

/** Runs jobs one after the other in a guest of one hypervisor; in a new guest after one that made the guest end or hang. */
export async function* runJobs(jobs: readonly Job[], options: RunOptions): AsyncGenerator<JobEnd> {
  const { vcpus, progress } = options
  const userland = await obtainUserland(progress)
  const pcpus = Math.min(vcpus, availableParallelism())
  const hypervisor = await compose({ pcpus, vcpus, warn: progress })
  let guest: UserlandGuest | undefined
  try {
    for (const [index, job] of jobs.entries()) {
      if (!guest?.usable) {
        await guest?.stop()
        const begin = performance.now()
        guest = await UserlandGuest.start(hypervisor, userland, jobs, { ...options, name: `userland-${index}` })
        progress(`a guest of ${vcpus} vCPUs booted in ${((performance.now() - begin) / 1000).toFixed(1)} s`)
      }
      yield await guest.run(job)
    }
  } finally {
    await guest?.stop()
    await hypervisor.stop()
  }
}
