import { type BuiltEngineDomain, type EngineControl, type EngineDomainRequest, parsePvKernel } from '@paravane/core'
import { allocatePvDomain, constructPvDomain } from './construct-domain.ts'

/** Builds PV domains on domain 0's thread. */
export class PvControl implements EngineControl {
  build(request: EngineDomainRequest): BuiltEngineDomain {
    const image = parsePvKernel(request.kernel.bytes, request.kernel.name)
    const asked = { ...request, image, ramdisk: request.ramdisk?.bytes }
    const shared = allocatePvDomain(asked)
    const { domain, built } = constructPvDomain(asked, shared)
    return { domain, shared, storeGmfn: built.storeMfn, consoleGmfn: built.consoleMfn }
  }
}
