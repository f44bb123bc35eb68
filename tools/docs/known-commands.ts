/** Whether a command of a page can be given as it stands there: scripts, subcommands and options that are there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseStartOptions } from '../../apps/xend/src/start/options.ts'
import { COMMANDS } from '../../apps/xend/src/xm/commands.ts'
import { ROOT } from './code-blocks.ts'

/** Programs that are not ours; what they take is not judged. */
const OTHERS: ReadonlySet<string> = new Set([
  ...[
    'apt',
    'cat',
    'cd',
    'cp',
    'curl',
    'echo',
    'export',
    'git',
    'loginctl',
    'man',
    'mkdir',
    'printf',
    'scp',
    'ssh',
    'ssh-keygen',
    'sudo',
    'systemctl',
  ],
  ...['qemu-system-x86_64', 'xenstore-control', 'xenstore-ls', 'xenstore-read', 'xenstore-watch', 'xenstore-write'],
])
const NPM_OWN: ReadonlySet<string> = new Set(['install', 'ci', 'pack', 'publish'])
const XEND_COMMANDS: ReadonlySet<string> = new Set(['start', 'stop', 'restart', 'status', 'unit'])

/** @returns what is wrong with the command; undefined if nothing is */
export function faultOf([program = '', ...words]: readonly string[]): string | undefined {
  if (program === 'npm') return npmFault(words)
  if (program === 'xm') return xmFault(words)
  if (program === 'xend') return xendFault(words)
  if (program === 'node' || program === 'npx') return nodeFault(words)
  return OTHERS.has(program) ? undefined : `${program} is not known here`
}

function npmFault(words: readonly string[]): string | undefined {
  const [verb = '', ...rest] = words.filter((word) => word !== '--silent')
  if (NPM_OWN.has(verb)) return undefined
  const [script = '', ...args] = verb === 'run' ? rest : [verb, ...rest]
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
  if (!Object.hasOwn(scripts, script)) return `package.json has no script ${script}`
  if (args.length > 0 && args[0] !== '--') return `npm takes ${args[0]} for itself: write -- before it`
  const own = args.slice(1)
  if (script === 'xm') return xmFault(own)
  if (script === 'xend') return xendFault(own)
  return script === 'start' ? startFault(own) : undefined
}

function startFault(words: readonly string[]): string | undefined {
  try {
    parseStartOptions(words)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function xendFault([command = '']: readonly string[]): string | undefined {
  return XEND_COMMANDS.has(command) ? undefined : `xend has no ${command}`
}

function xmFault([name = '', ...words]: readonly string[]): string | undefined {
  const command = COMMANDS.find((it) => it.name === name)
  if (command === undefined) return `xm has no ${name}`
  const known = new Set(['--json', '--help'])
  for (const { long, short } of command.options ?? []) {
    known.add(`--${long}`)
    if (short !== undefined) known.add(`-${short}`)
  }
  const wrong = words
    .filter((word) => /^--?[A-Za-z]/.test(word))
    .flatMap((word) => (word.startsWith('--') ? [word.replace(/=.*/, '')] : [...word.slice(1)].map((it) => `-${it}`)))
    .find((option) => !known.has(option))
  return wrong === undefined ? undefined : `xm ${name} has no ${wrong}`
}

function nodeFault(words: readonly string[]): string | undefined {
  const file = words.find((word) => !word.startsWith('-'))
  if (file === undefined || !/[./]/.test(file)) return undefined
  return existsSync(join(ROOT, file)) ? undefined : `there is no ${file}`
}
