import { expect, test } from 'vitest'
import { allocatePvDomain, type PvDomainRequest } from '../../src/pv/construct-domain.ts'

const request = (memory: number, vcpus: number): PvDomainRequest => ({
  domid: 1,
  // Of no account before the domain is built.
  image: undefined as unknown as PvDomainRequest['image'],
  cmdline: '',
  memory,
  vcpus,
  options: 0,
  handle: new Uint8Array(16),
  wallclock: 0n,
  storePort: 1,
  consolePort: 2,
  regions: true,
})

function failure(memory: number, vcpus: number): string {
  try {
    allocatePvDomain(request(memory, vcpus))
  } catch (error) {
    return (error as Error).message
  }
  return 'allocated'
}

test.each([1, 4, 8, 32, 64])(
  'a domain of %i vCPUs that is too large is told what it has room for, and has it',
  (vcpus) => {
    const message = failure(4096, vcpus)
    const most = Number(/ room for (\d+) MiB/.exec(message)?.[1])
    expect(message).toBe(
      `memory=4096: a domain of vcpus=${vcpus} has room for ${most} MiB; give less memory, or fewer vCPUs`,
    )
    if (most > 0) expect(failure(most, vcpus)).toBe('allocated')
    expect(failure(most + 1, vcpus)).toContain(
      `memory=${most + 1}: a domain of vcpus=${vcpus} has room for ${most} MiB;`,
    )
  },
)
