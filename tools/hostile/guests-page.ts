/** Writes docs/hostile-guests.md when run; a test holds that the page is what this makes. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DIFFERENT, XEN_ANSWERS } from './answers-table.ts'
import type { Fact } from './fact.ts'
import { FACTS } from './fact-table.ts'

export const PAGE: string = fileURLToPath(new URL('../../docs/hostile-guests.md', import.meta.url))

const HEAD = `# Hostile guests

Guests of this tree (\`tools/guests/hostile\`) that do what no guest should. Each runs beside a neighbour that says every
100 ms that it lives (\`tools/guests/heartbeat\`), on the same pCPU or with a second one. A test asserts for each how it
ends, that the neighbour's heart goes on beating, that memory stays bounded, that it can be destroyed, and that no bug of
ours is reported.

    node --conditions=@paravane/source tools/hostile/run-facts.ts --facts random-user --seed 7 --patience 60

runs some for longer: \`--patience\` multiplies their time, \`--seed\` chooses what is random in them. \`npm run accept\`
runs them all. This page is made by \`tools/hostile/guests-page.ts\`.

## What they do

`

/** The page's text. */
export function guestsPage(): string {
  const facts = FACTS.map((fact) => `- **${fact.name}**: ${fact.does}.\n  ${endOf(fact)}.`)
  return `${HEAD}${facts.join('\n')}\n\n${ANSWERS}\n`
}

function endOf({ end, vcpus, answers }: Fact): string {
  const on = vcpus === undefined ? '' : `On ${vcpus} vCPUs. `
  if (end === 'runs') return `${on}Runs until it is destroyed`
  if (end === 'any') return `${on}Runs until it is destroyed, or crashes by what it did to itself`
  const why = end.detail === undefined ? '' : `, with the reason \`${end.detail.source}\``
  return `${on}Ends by ${end.reason}${why}${answers ? '; its answers are below' : ''}`
}

const ANSWERS = `## What Xen answers

The answers of a Xen 4.17 to the same guest, which are ours too where nothing else is said. Errnos are negative; a
store or a load answers 0, or the vector of its exception and 1.
${Object.entries(XEN_ANSWERS)
  .map(([fact, answers]) => `\n### ${fact}\n\n${rows(answers)}`)
  .join('\n')}`

function rows(answers: Readonly<Record<string, number>>): string {
  return Object.entries(answers)
    .map(
      ([key, xen]) =>
        `- \`${key}\`: ${xen}${key in DIFFERENT ? ` (ours ${DIFFERENT[key].ours}: ${DIFFERENT[key].why})` : ''}`,
    )
    .join('\n')
}

if (import.meta.main) writeFileSync(PAGE, guestsPage())
