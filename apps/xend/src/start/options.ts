import { parseArgs } from 'node:util'
import { CodedError } from '@paravane/core'
import { type Variable, variableOf } from '../config/settings.ts'
import { CPU_CHOICE_FORM, type CpuChoice, cpuChoice } from '../cpu-choice.ts'

/** What the command line of `npm start` says. Paths are as given. */
export interface StartOptions {
  readonly guest?: string
  readonly config?: string
  readonly kernel?: string
  readonly ramdisk?: string
  readonly memory?: string
  readonly vcpus?: string
  readonly extra?: string
  /** Default: one per vCPU of the guest, as far as the host has processors. */
  readonly pcpus?: number
  /** What the guest's processor offers: a level, and features to hide. */
  readonly cpu?: CpuChoice
  /** In a hypervisor of this process, with which the guest ends; else xend keeps it. */
  readonly alone: boolean
  readonly virtualClock: boolean
  readonly regions: boolean
  /** Whether compiled code is kept for the next start. */
  readonly keep: boolean
  readonly refresh: boolean
  readonly verbose: boolean
  readonly help: boolean
  /** Arguments `key=value`, which hold against the config file. */
  readonly overrides: readonly Variable[]
}

export const USAGE = `usage: npm start -- [OPTION ...] [KEY=VALUE ...]
Boots a paravirtual guest with its console on this terminal. xend keeps it, and is started if it does not run: Ctrl-] leaves
the console, the guest runs on, and npm run xm -- list shows it.

  --guest NAME           what to boot: debian, Debian's cloud kernel with busybox (the default);
                         debian-standard, the same with the kernel that machines get; grub, GRUB
                         as a kernel; hello, a small guest of our own that needs no download
  --config FILE          the guest's configuration, in xm's format (examples/debian-cloud.cfg)
  --kernel FILE          boot this kernel ...
  --ramdisk FILE         ... and this ramdisk, in place of Debian's
  --memory MIB           memory of the guest
  --vcpus N              virtual CPUs of the guest
  --extra TEXT           the kernel's command line
  KEY=VALUE              set any key of the configuration, as in name=test
  --refresh              ask apt for newer packages
  --help                 show this

Without xend, in a hypervisor of this process, with which the guest ends; each of these says so:

  --alone                just that
  --pcpus N              threads that run the vCPUs
  --cpu LEVEL[,-NAME...] what the guest's processor offers: x86-64, x86-64-v2 or max (the default),
                         without the features NAME, as in --cpu max,-aes,-sha
  --virtual-clock        time from retired instructions: a run that repeats exactly
  --no-regions           without compiling hot code
  --no-keep              compile all code anew, and keep none for the next start
  --verbose              also show what the guest writes to the hypervisor's log

exit status: 0 the guest ended in order or was left with Ctrl-], 1 it could not be started,
2 wrong usage, 3 it crashed, 128 + N stopped by signal N`

const FLAG = { type: 'boolean' } as const
const VALUE = { type: 'string' } as const
const OPTIONS = {
  guest: VALUE,
  config: VALUE,
  kernel: VALUE,
  ramdisk: VALUE,
  memory: VALUE,
  vcpus: VALUE,
  extra: VALUE,
  pcpus: VALUE,
  cpu: VALUE,
  'virtual-clock': FLAG,
  'no-regions': FLAG,
  'no-keep': FLAG,
  alone: FLAG,
  refresh: FLAG,
  verbose: FLAG,
  help: FLAG,
} as const
type OptionName = keyof typeof OPTIONS

/** What is said of a hypervisor: that of xend is another, or runs already. */
const OWN: readonly OptionName[] = ['alone', 'pcpus', 'cpu', 'virtual-clock', 'no-regions', 'no-keep', 'verbose']
const MAX_PCPUS = 64

/** @throws CodedError `USAGE`: one line, with the remedy */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...OPTIONS, help: { ...FLAG, short: 'h' } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<OptionName, string>()
  const overrides: Variable[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') overrides.push(override(token.value))
    else if (token.kind === 'option') values.set(...option(token))
  }
  const pcpus = values.get('pcpus')
  const cpu = values.get('cpu')
  return {
    guest: values.get('guest'),
    config: values.get('config'),
    kernel: values.get('kernel'),
    ramdisk: values.get('ramdisk'),
    memory: values.get('memory'),
    vcpus: values.get('vcpus'),
    extra: values.get('extra'),
    pcpus: pcpus === undefined ? undefined : pcpuCount(pcpus),
    cpu: cpu === undefined ? undefined : readCpu(cpu),
    alone: OWN.some((name) => values.has(name)),
    virtualClock: values.has('virtual-clock'),
    regions: !values.has('no-regions'),
    keep: !values.has('no-keep'),
    refresh: values.has('refresh'),
    verbose: values.has('verbose'),
    help: values.has('help'),
    overrides,
  }
}

function option(token: { name: string; rawName: string; value?: string; inlineValue?: boolean }): [OptionName, string] {
  const { name, rawName, value, inlineValue } = token
  if (!Object.hasOwn(OPTIONS, name)) {
    throw usageError(`unknown option ${rawName}; \`npm start -- --help\` lists the options`)
  }
  const known = name as OptionName
  if (OPTIONS[known].type === 'boolean') {
    if (inlineValue) throw usageError(`${rawName} takes no value; write it alone`)
    return [known, '']
  }
  // An empty command line is a choice; everything else needs something to name.
  const missing = value === undefined || (value === '' && known !== 'extra') || (!inlineValue && value.startsWith('--'))
  if (missing) throw usageError(`${rawName} needs a value: ${rawName} VALUE`)
  return [known, value]
}

function override(argument: string): Variable {
  const variable = variableOf(argument)
  if (variable !== undefined) return variable
  throw usageError(`${argument}: neither an option nor key=value; a config file goes with --config ${argument}`)
}

function pcpuCount(text: string): number {
  const count = /^[0-9]+$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_PCPUS) return count
  throw usageError(`--pcpus must be a whole number from 1 to ${MAX_PCPUS}, not ${text}`)
}

function readCpu(text: string): CpuChoice {
  const choice = cpuChoice(text)
  if (choice !== undefined) return choice
  throw usageError(`--cpu must be ${CPU_CHOICE_FORM}, not ${text}`)
}

export function usageError(message: string): CodedError<{ code: 'USAGE' }> {
  return new CodedError({ code: 'USAGE' }, message)
}
