/** Methods about the hypervisor's own messages. */
import { configOf, type RunningDomain, text, yesNo } from '@paravane/core'
import { type AnyVerb, verb } from '../rpc/verbs.ts'
import { debugKeys } from './debug-keys.ts'
import type { MessageLog } from './message-log.ts'

export function messageVerbs(
  messages: MessageLog,
  domains: () => readonly RunningDomain[],
): readonly (readonly [string, AnyVerb])[] {
  return [
    [
      'dmesg',
      verb(configOf({ clear: yesNo({ initial: false }) }), ({ clear }) => {
        const shown = messages.text()
        if (clear) messages.clear()
        return shown
      }),
    ],
    [
      'debug-keys',
      verb(configOf({ keys: text() }), ({ keys }) => {
        for (const line of debugKeys(keys, domains())) messages.say(line)
      }),
    ],
  ]
}
