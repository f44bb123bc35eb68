import type { DomainRequest, Hypervisor } from '../../../libs/core/src/host/hypervisor-api.ts'
import { ANSWER, COMMAND, HANG_MS, PROMPT, READY } from '../debian-boot.ts'

export interface WatchedEnd {
  /** From the domain's making to its shell, s. */
  readonly boot: number
  readonly fault?: string
}

/** Boots a Debian guest, has its shell answer a command and waits for its end. */
export async function watchDomain(hypervisor: Hypervisor, request: DomainRequest): Promise<WatchedEnd> {
  const begin = performance.now()
  const domain = await hypervisor.createDomain(request)
  let shown = ''
  let boot = Number.POSITIVE_INFINITY
  let typed = false
  domain.console.onOutput((bytes) => {
    shown += Buffer.from(bytes).toString('latin1')
    if (boot === Number.POSITIVE_INFINITY && shown.includes(READY))
      boot = Math.round((performance.now() - begin) / 10) / 100
    if (typed || !shown.includes(PROMPT)) return
    typed = true
    domain.console.write(Buffer.from(COMMAND))
  })
  domain.unpause()
  const { promise: hanging, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, HANG_MS)
  const end = await Promise.race([domain.ended, hanging])
  clearTimeout(timer)
  if (end === undefined) {
    const { state, retiredInstructions } = domain.info()
    await domain.destroy()
    const at = JSON.stringify(shown.slice(-200))
    return { boot, fault: `it hangs, ${state} after ${retiredInstructions} instructions, having shown ${at}` }
  }
  if (end.reason !== 'poweroff') return { boot, fault: `it ended by ${end.reason} ${end.detail ?? ''}` }
  return shown.includes(ANSWER) ? { boot } : { boot, fault: 'the shell did not answer' }
}
