/** What xm create and xm start take alike: to leave a domain paused, and to be at its console from its first instruction on. */
import type { ListedDomain } from '../daemon/listed-domain.ts'
import type { AskXend } from './ask-xend.ts'
import type { CommandOption } from './command.ts'
import { attachConsole } from './console.ts'

export const PAUSED_OPTION: CommandOption = {
  long: 'paused',
  short: 'p',
  about: 'Leave the domain paused after it is created.',
}
export const CONSOLE_OPTION: CommandOption = {
  long: 'console_autoconnect',
  short: 'c',
  about: 'Connect to the console after the domain is created.',
}

/** @param make makes the domain, paused or running */
export async function runWithConsole(
  xend: AskXend,
  options: ReadonlyMap<string, string>,
  make: (paused: boolean) => Promise<ListedDomain>,
): Promise<void> {
  const [paused, console] = [options.has('paused'), options.has('console_autoconnect')]
  const { domid } = await make(paused || console)
  if (!console) return
  // Before its first instruction, so that nothing is missed.
  const attached = attachConsole(domid)
  if (!paused) await xend.call('domain.unpause', { domain: String(domid) })
  await attached
}
