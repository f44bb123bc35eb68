import { fileURLToPath } from 'node:url'
import { cpuChoice } from '../../../apps/xend/src/cpu-choice.ts'
import { compiledSources } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { MALLOC, YOUNG } from '../../../apps/xend/src/host-memory.ts'
import type { DeviceRequest } from '../../../libs/core/src/index.ts'
import { ConsoleProcess } from '../../accept/console-process.ts'
import { OUR_CPU } from '../cpu-identity.ts'
import { COMMAND_LINE, type GuestShape, qemuArgs } from '../machines.ts'
import type { Qemu } from '../obtain-qemu.ts'

/** What paravane-guest.ts is told. */
export interface DeviceGuest extends GuestShape {
  readonly cmdline: string
  readonly cpu: unknown
  readonly devices: readonly DeviceRequest[]
  /** Whether it has the compiled code of those before. */
  readonly kept: boolean
  /** Command line of a second guest with the same files and devices, whose console nobody sees. */
  readonly neighbour?: string
}

/** A guest's devices on both machines. */
export interface Devices {
  readonly ours: readonly DeviceRequest[]
  /** Arguments of qemu-system-x86_64. */
  readonly theirs: readonly string[]
}

/**
 * A process with our guest; it has its console on its terminal.
 * @param kept whether it has the compiled code of those before
 * @param neighbour words for the command line of a second guest, if there is to be one
 */
export function startOurs(
  shape: GuestShape,
  extra: string,
  devices: Devices,
  kept: boolean,
  neighbour?: string,
): ConsoleProcess {
  const cmdline = (words: string): string => `console=hvc0 ${COMMAND_LINE}${words}`
  const told: DeviceGuest = {
    ...shape,
    cmdline: cmdline(extra),
    cpu: cpuChoice(OUR_CPU),
    devices: devices.ours,
    kept,
    ...(neighbour === undefined ? {} : { neighbour: cmdline(neighbour) }),
  }
  const script = fileURLToPath(new URL('paravane-guest.ts', import.meta.url))
  const args = [...YOUNG, '--conditions=@paravane/source', script, JSON.stringify(told)]
  return new ConsoleProcess(process.execPath, args, {
    ...process.env,
    ...MALLOC,
    NODE_COMPILE_CACHE: compiledSources(),
  })
}

export function startTheirs(
  { program, leading, environment }: Qemu,
  shape: GuestShape,
  extra: string,
  devices: Devices,
): ConsoleProcess {
  const args = [...leading, ...qemuArgs(shape, extra), ...devices.theirs]
  return new ConsoleProcess(program, args, { ...process.env, ...environment })
}
