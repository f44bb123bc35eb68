import { disassemble } from '../../libs/cpu-x86/test/programs/disassemble.ts'
import { lines } from '../../libs/cpu-x86/test/programs/final-state.ts'
import { CODE, CODE_BYTES, type Program } from '../../libs/cpu-x86/test/programs/layout.ts'
import { ProgramRunner, stepByStep } from '../../libs/cpu-x86/test/programs/tier.ts'

const MOST = 2000

/** Prints the instructions executed, each with what it changed. */
export function trace(program: Program, readOnly: Uint8Array): void {
  const runner = new ProgramRunner(stepByStep, readOnly)
  const { machine } = runner
  runner.load(program)
  const state = () => {
    const final = runner.final('fault')!
    return { final, text: lines(program, { ...final, vector: 0, error: 0, address: 0n, rip: 0n }) }
  }
  let before = state()
  for (let n = 0; n < MOST; n++) {
    const offset = Number(before.final.rip) - CODE
    const inCode = offset >= 0 && offset < CODE_BYTES
    const [insn] = inCode ? disassemble(before.final.image, offset, 1) : []
    const stop = machine.steps(1)
    const after = state()
    const changes = after.text.filter((line) => !before.text.includes(line))
    console.log(`${before.final.rip.toString(16)}  ${(insn?.text ?? '').padEnd(44)} ${changes.join(', ')}`)
    if (stop !== 'limit') break
    before = after
  }
}
