/** Commands that do one thing to a domain, or ask one thing of it. */
import { CodedError } from '@paravane/core'
import type { ListedDomain } from '../daemon/listed-domain.ts'
import type { AskXend } from './ask-xend.ts'
import { awaitEnds, type EndOutcome } from './await-end.ts'
import { type AnyDomain, chooseDomain, chooseDomains } from './choose-domains.ts'
import type { Command, CommandContext, Given } from './command.ts'

const simple = (name: string, summary: string, about: readonly string[] = []): Command => ({
  name,
  usage: '<Domain>',
  summary,
  about,
  args: [1, 1],
  completes: ['domain'],
  async run({ args: [domain] }, { xend }) {
    await xend.call(`domain.${name}`, { domain })
  },
})

const WAIT = { long: 'wait', short: 'w', about: 'Wait until the domain has ended, or is there again.' }
const ALL = { long: 'all', short: 'a', about: 'All domains but Domain-0.' }

/** Asks guests to end, and waits if that is wanted. */
async function end(
  { args, options, json }: Given,
  context: CommandContext,
  how: 'poweroff' | 'reboot' | 'halt',
): Promise<void> {
  if (options.has('all') === (args.length === 1)) {
    throw new CodedError(
      { code: 'USAGE' },
      options.has('all') ? 'give a domain or -a, not both' : 'give a domain, or -a for all',
    )
  }
  const { xend, stdout } = context
  const chosen = options.has('all')
    ? (await xend.call<readonly ListedDomain[]>('domain.list')).filter(({ domid }) => domid !== 0)
    : [await chooseDomain(xend, args[0] as string)]
  for (const { domid } of chosen) {
    await xend.call(`domain.${how}`, { domain: String(domid) }).catch((error) => {
      // Of all, one may have ended meanwhile.
      if (!options.has('all') || error.code !== 'DOMAIN_UNKNOWN') throw error
    })
  }
  if (!options.has('wait')) return
  const outcomes: { readonly name: string; readonly domid: number; readonly outcome: EndOutcome }[] = []
  const say = ({ name, domid }: ListedDomain, outcome: EndOutcome): void => {
    outcomes.push({ name, domid, outcome })
    if (!json) stdout(`Domain ${name} ${outcome}\n`)
  }
  await awaitEnds(chosen, how === 'reboot', say, context)
  const wanted = how === 'reboot' ? 'rebooted' : 'terminated'
  const done = outcomes.every(({ outcome }) => outcome === wanted)
  if (json) stdout(`${JSON.stringify(outcomes, undefined, 2)}\n`)
  else if (done && options.has('all')) stdout(`All domains ${wanted}\n`)
  if (!done) throw new CodedError({ code: 'NOT_REBOOTED' }, '')
}

const chooseAny = async (xend: AskXend, name: string): Promise<AnyDomain> =>
  ((await chooseDomains(xend, [name])) as [AnyDomain])[0]

/** One line about one domain. */
const ask = <D extends AnyDomain>(
  name: string,
  summary: string,
  about: readonly string[],
  choose: (xend: AskXend, name: string) => Promise<D>,
  answer: (domain: D) => string | number,
): Command => ({
  name,
  usage: '<Domain>',
  summary,
  about,
  args: [1, 1],
  completes: ['domain'],
  async run({ args: [domain], json }, { xend, stdout }) {
    const found = await choose(xend, domain as string)
    stdout(`${json ? JSON.stringify(answer(found)) : answer(found)}\n`)
  },
})

const STATE_WORDS: Readonly<Record<string, string>> = {
  running: 'running',
  blocked: 'idle',
  paused: 'paused',
  shutdown: 'shutdown',
  suspended: 'shutdown',
  crashed: 'crashed',
  halted: 'shutoff',
}

export const lifecycleCommands: readonly Command[] = [
  simple('pause', 'Pause execution of a domain.'),
  simple('unpause', 'Unpause a paused domain.'),
  simple('destroy', 'Terminate a domain immediately.', ['The guest is not asked, and writes nothing back.']),
  {
    name: 'shutdown',
    usage: '<Domain> [-waRH]',
    summary: 'Shutdown a domain.',
    about: [
      'The guest is asked through xenstore, and may take its time or do nothing at all; xm destroy ends it at once. With -w a line says when it has ended.',
    ],
    args: [0, 1],
    completes: ['domain'],
    options: [
      ALL,
      WAIT,
      { long: 'reboot', short: 'R', about: 'Shutdown and reboot.' },
      { long: 'halt', short: 'H', about: 'Shutdown without reboot.' },
    ],
    async run(given, context) {
      const [reboot, halt] = [given.options.has('reboot'), given.options.has('halt')]
      if (reboot && halt) throw new CodedError({ code: 'USAGE' }, 'give -R or -H, not both')
      await end(given, context, reboot ? 'reboot' : halt ? 'halt' : 'poweroff')
    },
  },
  {
    name: 'reboot',
    usage: '<Domain> [-wa]',
    summary: 'Reboot a domain.',
    about: [
      'The guest is asked through xenstore, and may take its time or do nothing at all. With -w a line says when the domain runs again. One that has ended and is not there after 30 seconds was not to be started again, as it is within its first minute: a line says so, and the exit status is 1.',
    ],
    args: [0, 1],
    completes: ['domain'],
    options: [ALL, WAIT],
    run: (given, context) => end(given, context, 'reboot'),
  },
  ask('domid', 'Convert a domain name to domain id.', [], chooseDomain, ({ domid }) => domid),
  ask('domname', 'Convert a domain id to domain name.', [], chooseAny, ({ name }) => name),
  ask(
    'domstate',
    'Display the state of a domain.',
    [
      'running, idle (it waits), paused, shutdown (it has ended and is kept), crashed, or shutoff (it is managed and does not run).',
    ],
    chooseAny,
    ({ state }) => STATE_WORDS[state] ?? state,
  ),
]
