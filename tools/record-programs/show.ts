/**
 * Prints a random program: its text, its end here and on this machine's CPU, and where they differ.
 *
 *   node --conditions=@paravane/source tools/record-programs/show.ts SEED [--steps] [--trace] [--quiet]
 *
 * --steps runs it in the slow step instead of the cold tier; --trace prints each instruction as the slow step executes it.
 */
import { parseArgs } from 'node:util'
import { disassemble } from '../../libs/cpu-x86/test/programs/disassemble.ts'
import { differences, lines } from '../../libs/cpu-x86/test/programs/final-state.ts'
import { generate, readOnlyPage } from '../../libs/cpu-x86/test/programs/generate.ts'
import { runOnHost } from '../../libs/cpu-x86/test/programs/host.ts'
import { CODE, type Program } from '../../libs/cpu-x86/test/programs/layout.ts'
import { inColdTier, ProgramRunner, stepByStep } from '../../libs/cpu-x86/test/programs/tier.ts'
import { trace } from './trace.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'boolean' }, trace: { type: 'boolean' }, quiet: { type: 'boolean' } },
})

function printText({ entry, image, undefinedFlags }: Program): void {
  for (const { offset, bytes, text } of disassemble(image, entry - CODE)) {
    const flags = undefinedFlags[offset] ? `  ; undefined: ${undefinedFlags[offset].toString(16)}` : ''
    console.log(`${(CODE + offset).toString(16)}  ${bytes.padEnd(30)}  ${text}${flags}`)
  }
}

const seed = Number(positionals[0])
const program = generate(seed)
if (!values.quiet) printText(program)
const readOnly = readOnlyPage()
if (values.trace) trace(program, readOnly)
const ours = new ProgramRunner(values.steps ? stepByStep : inColdTier, readOnly).run(program)
const [silicon] = process.platform === 'linux' && process.arch === 'x64' ? runOnHost([program], readOnly) : []
if (ours && silicon) {
  const found = differences(program, silicon, ours)
  console.log(
    found.length === 0
      ? 'As the host CPU ends it:'
      : `Lines of the host CPU (-) and ours (+):\n${found.join('\n')}\nOurs:`,
  )
} else console.log(`${ours ? 'ours ends' : 'ours does not end'}, ${silicon ? 'the host ends' : 'the host has no end'}`)
if (ours) console.log(lines(program, ours).join('\n'))
