/** xm doctor: what is well with this host and its xend, what is not, and what to do about it. */
import { CodedError } from '@paravane/core'
import { folders } from '../../folders.ts'
import type { Command, Paint } from '../command.ts'
import { type Finding, find } from './finding.ts'
import { hostChecks } from './host-checks.ts'
import { placeChecks } from './place-checks.ts'

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const
const NAME_WIDTH = 14

export function findingLine({ level, name, text, remedy }: Finding, paint: Paint): string {
  const what = remedy === undefined ? text : `${text}; ${remedy}`
  return `${paint(COLOURS[level], level.padEnd(4))} ${name.padEnd(NAME_WIDTH)} ${what}\n`
}

export const doctor: Command = {
  name: 'doctor',
  usage: '',
  summary: 'Check this host and its xend, and say what to do.',
  about: [
    'A line for each check: ok, warn for what something will miss, fail for what does not work, with the remedy. The exit status is 1 if something fails.',
    'It needs no xend, and changes nothing: it is the first thing to run where something is wrong, and its output is what a report of a fault should have.',
  ],
  args: [0, 0],
  async run({ json }, { stdout, paint }) {
    const places = folders()
    const findings: Finding[] = []
    for (const check of [...hostChecks(places), ...placeChecks(places)]) {
      const finding = await find(check)
      findings.push(finding)
      if (!json) stdout(findingLine(finding, paint))
    }
    if (json) stdout(`${JSON.stringify(findings, undefined, 2)}\n`)
    if (findings.some(({ level }) => level === 'fail')) throw new CodedError({ code: 'DOCTOR' }, '')
  },
}
