/**
 * Records how this machine's CPU ends random programs. Needs an x86-64 Linux host and gcc.
 *
 *   node --conditions=@paravane/source tools/record-programs/record.ts [--count 24000] [--first 1] [--out FILE]
 *
 * Each program is run twice: one that the CPU does not end the same way twice would be an error of the generator.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { differences } from '../../libs/cpu-x86/test/programs/final-state.ts'
import { generate, readOnlyPage } from '../../libs/cpu-x86/test/programs/generate.ts'
import { runOnHost } from '../../libs/cpu-x86/test/programs/host.ts'
import { encodeRecords, type ProgramRecord, RECORDS, recordOf } from '../../libs/cpu-x86/test/programs/records.ts'
import { HOST_FLAGS } from '../../libs/cpu-x86/test/programs/selection.ts'

const CHUNK = 500

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '24000' },
    first: { type: 'string', default: '1' },
    out: { type: 'string', default: RECORDS },
  },
})

function checkHost(): void {
  const flags =
    process.platform === 'linux' ? (/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '') : ''
  const missing = HOST_FLAGS.filter((flag) => !flags.split(' ').includes(flag))
  if (process.arch !== 'x64' || missing.length > 0)
    throw new Error(`this host cannot record: it has to be x86-64 Linux with ${missing.join(', ')}`)
}

function record(seeds: readonly number[], readOnly: Uint8Array): ProgramRecord[] {
  const programs = seeds.map(generate)
  const [first, second] = [runOnHost(programs, readOnly), runOnHost(programs, readOnly)]
  return programs.map((program, n) => {
    const [one, two] = [first[n], second[n]]
    if (!one || !two) throw new Error(`program ${program.seed} does not end`)
    const found = differences(program, one, two)
    if (found.length > 0) throw new Error(`program ${program.seed} ends in two ways:\n${found.join('\n')}`)
    return recordOf(program, one)
  })
}

checkHost()
const readOnly = readOnlyPage()
const [first, count] = [Number(values.first), Number(values.count)]
const records: ProgramRecord[] = []
for (let done = 0; done < count; done += CHUNK) {
  const seeds = Array.from({ length: Math.min(CHUNK, count - done) }, (_, n) => first + done + n)
  records.push(...record(seeds, readOnly))
}
const bytes = encodeRecords(records)
writeFileSync(values.out, bytes)
const ends = Object.entries(Object.groupBy(records, ({ vector }) => vector))
console.log(`${records.length} programs, ${bytes.length} bytes; exceptions at their ends:`)
for (const [vector, group] of ends) console.log(`  ${vector.padStart(2)}: ${group!.length}`)
