/** A guest in a hypervisor of this process, with which it ends. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { unpackAhead } from '@paravane/core'
import { cacheFolder } from '../guest-image/cache-folder.ts'
import { type ChosenGuest, guestRequest } from './guest-request.ts'
import type { StartOptions } from './options.ts'
import { contentsOf, type StartPlan } from './run-guest.ts'

/** @throws CodedError of the config, of the files and of the hypervisor */
export async function planAlone(
  chosen: ChosenGuest,
  options: StartOptions,
  { folder, say }: { readonly folder: string; readonly say: (line: string) => void },
): Promise<StartPlan> {
  const request = await guestRequest(chosen, options, folder)
  // Imported here, so that what can be refused is refused before the engine is loaded.
  const { compose } = await import('../compose.ts')
  const { kernel, ramdisk, name, memory, vcpus } = request
  say('starting the hypervisor ...')
  const hypervisor = await compose({
    pcpus: options.pcpus,
    cpu: options.cpu,
    keep: options.keep ? keptFolder(say) : undefined,
    vcpus,
    meanwhile: () => unpackAhead(kernel.bytes, kernel.name),
    guestLog: options.verbose ? (_, bytes) => void process.stderr.write(bytes) : undefined,
    warn: say,
  })
  const contents = contentsOf(memory, vcpus, [kernel.name, ...(ramdisk === undefined ? [] : [ramdisk.name])])
  const make = () => hypervisor.createDomain(request)
  return {
    plan: { name, contents, readyText: chosen.readyText, stays: false, make },
    stop: () => hypervisor.stop(),
  }
}

/** Where compiled code is kept for the next start, if that can be written. */
function keptFolder(say: (line: string) => void): string | undefined {
  const folder = join(cacheFolder(), 'regions')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch (error) {
    say(`compiled code is not kept for the next start: ${(error as Error).message}`)
    return undefined
  }
}
