import { execFile } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import type { HostProgram, HostPrograms } from '@paravane/core'
import { openRefusal } from '../open-refusal.ts'

/** Where the host's kernel has its device-mapper, if it has one. lvm makes the node also where it has none. */
const DEVICE_MAPPER = '/dev/mapper/control'
const OUTPUT_BYTES_MAX: number = 64 << 20

export type ReportRow = Readonly<Record<string, string>>

/** The host's lvm2, as its configuration (lvm.conf, or that below LVM_SYSTEM_DIR) lets it see devices. */
export class Lvm {
  readonly #programs: HostPrograms
  readonly hasDeviceMapper: boolean

  constructor(programs: HostPrograms, hasDeviceMapper: boolean = opensDeviceMapper()) {
    this.#programs = programs
    this.hasDeviceMapper = hasDeviceMapper
  }

  /** Rows of one of lvm's reports, sizes in bytes. @param name of the disk, for messages @throws CodedError */
  async report(
    name: string,
    command: 'lvs' | 'pvs',
    kind: 'seg' | 'pv',
    args: readonly string[],
  ): Promise<ReportRow[]> {
    const format = ['--reportformat', 'json', '--units', 'b', '--nosuffix']
    const { report } = JSON.parse(await this.run(name, [command, ...format, ...args])) as {
      report: readonly Readonly<Record<string, ReportRow[]>>[]
    }
    return report.flatMap((part) => part[kind] ?? [])
  }

  /** @returns what it writes to standard output. @throws CodedError `DISK_OPEN` with what it said, `PROGRAM_MISSING` */
  async run(name: string, args: readonly string[]): Promise<string> {
    const program = await this.#programs.need('lvm', 'lvm2', name)
    const [command = '', ...rest] = args
    const driver = this.hasDeviceMapper ? [] : ['--driverloaded', 'n']
    try {
      const { stdout } = await promisify(execFile)(program.path, [command, ...driver, ...rest], {
        env: environmentOf(program),
        maxBuffer: OUTPUT_BYTES_MAX,
      })
      return stdout
    } catch (error) {
      const { stderr = '', message } = error as { stderr?: string; message: string }
      throw openRefusal(name, `lvm says: ${saidOf(stderr) || message.split('\n')[0]}`, error)
    }
  }
}

/** To open it also loads the module, where there is one. */
function opensDeviceMapper(): boolean {
  try {
    closeSync(openSync(DEVICE_MAPPER, 'r'))
    return true
  } catch (error) {
    // It is there, and not for this user: lvm says so better.
    return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

function environmentOf({ environment }: HostProgram): NodeJS.ProcessEnv {
  return { ...process.env, ...environment, LC_ALL: 'C', LVM_SUPPRESS_FD_WARNINGS: '1' }
}

function saidOf(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('WARNING:')).join('; ')
}
