import type { DiskMode } from '../disk-spec.ts'

/** A device that has a disk. */
export interface DiskUser {
  /** Of its domain, at this moment. */
  readonly domainName: () => string
  /** The device, as `xvda`. */
  readonly vdev: string
}

interface Claim {
  readonly identity: string
  readonly mode: DiskMode
  readonly user: DiskUser
}

/** Which devices have which disks, of all domains of a hypervisor: none is written by one while another has it. */
export class DiskOwners {
  readonly #claims = new Set<Claim>()

  /**
   * Who stands in the way of using a disk so. Who asks for `w!` takes that upon itself; a disk that only readers have is
   * shared.
   * @param self does not stand in its own way
   */
  rival(identity: string, mode: DiskMode, self: DiskUser): DiskUser | undefined {
    if (mode === 'w!') return undefined
    for (const claim of this.#claims) {
      if (claim.identity !== identity || claim.user === self) continue
      if (mode === 'w' || claim.mode !== 'r') return claim.user
    }
    return undefined
  }

  /** @returns ends it */
  claim(identity: string, mode: DiskMode, user: DiskUser): () => void {
    const claim = { identity, mode, user }
    this.#claims.add(claim)
    return () => void this.#claims.delete(claim)
  }
}
