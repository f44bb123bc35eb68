/** Commands that send a guest's kernel something, or change what it is called. */
import { CodedError } from '@paravane/core'
import { SYSRQ_KEY, TRIGGERS } from '../hypervisor/control-params.ts'
import type { Command } from './command.ts'

export const kernelCommands: readonly Command[] = [
  {
    name: 'rename',
    usage: '<Domain> <NewDomainName>',
    summary: 'Rename a domain.',
    about: ["Its console's log keeps the name it began with, until the domain is started again."],
    args: [2, 2],
    completes: ['domain', 'text'],
    async run({ args: [domain, name] }, { xend }) {
      await xend.call('domain.rename', { domain, name })
    },
  },
  {
    name: 'sysrq',
    usage: '<Domain> <letter>',
    summary: 'Send a sysrq to a domain.',
    about: ["The guest's kernel does what the letter says, if it was built to; h has it list them on its console."],
    args: [2, 2],
    completes: ['domain', 'text'],
    async run({ args: [domain, key] }, { xend }) {
      if (!SYSRQ_KEY.test(key as string)) {
        throw new CodedError(
          { code: 'USAGE' },
          `Invalid argument: '${key}' is no key of SysRq; give one letter or digit`,
        )
      }
      await xend.call('domain.sysrq', { domain, key })
    },
  },
  {
    name: 'trigger',
    usage: `<Domain> <${TRIGGERS.join('|')}> [<VCPU>]`,
    summary: 'Send a trigger to a domain.',
    about: ['A paravirtual guest takes nmi only.'],
    args: [2, 3],
    completes: ['domain', TRIGGERS, 'text'],
    async run({ args }, { xend }) {
      const [domain, trigger, vcpu = '0'] = args as [string, string, string?]
      if (!(TRIGGERS as readonly string[]).includes(trigger)) {
        throw new CodedError(
          { code: 'USAGE' },
          `Invalid argument: trigger ${trigger}; it is one of ${TRIGGERS.join(', ')}`,
        )
      }
      if (!/^\d{1,2}$/.test(vcpu)) {
        throw new CodedError({ code: 'USAGE' }, `Invalid argument: '${vcpu}' is no VCPU; give its number`)
      }
      await xend.call('domain.trigger', { domain, trigger, vcpu: Number(vcpu) })
    },
  },
]
