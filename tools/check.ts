/** What must hold before any test counts: types, lint and format, layers, sizes. Shows a step's output when it fails. */
import { spawnSync } from 'node:child_process'

const STEPS: readonly { name: string; command: readonly string[] }[] = [
  { name: 'typecheck', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'typecheck of examples', command: ['tsc', '-p', 'examples/round-robin'] },
  { name: 'lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'layers', command: ['node', 'tools/check-layers.ts'] },
  { name: 'sizes', command: ['node', 'tools/check-sizes.ts'] },
]

const SHOWN_LINES = 60

/** A wall of equal complaints hides the first one, which is the one to read. */
function clipped(text: string): string {
  const lines = text.split('\n')
  const rest = lines.length - SHOWN_LINES
  return rest > 0 ? `${lines.slice(0, SHOWN_LINES).join('\n')}\n... and ${rest} lines more` : text
}

/** Runs every step and returns the names of those that failed. The working directory is the repository's root. */
export function runChecks(): string[] {
  return STEPS.filter(({ name, command: [program, ...args] }) => {
    const path = `node_modules/.bin:${process.env.PATH}`
    const result = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, PATH: path } })
    const ok = result.status === 0
    console.log(`check: ${name} ${ok ? 'ok' : 'FAILED'}`)
    if (!ok) console.log(result.error?.message ?? clipped(`${result.stdout}${result.stderr}`.trimEnd()))
    return !ok
  }).map(({ name }) => name)
}

if (import.meta.main) process.exitCode = runChecks().length > 0 ? 1 : 0
