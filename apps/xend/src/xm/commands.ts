import { blockCommands } from './block-commands.ts'
import type { Command } from './command.ts'
import { completion } from './completion.ts'
import { console } from './console.ts'
import { create } from './create.ts'
import { doctor } from './doctor/doctor.ts'
import { dumpCore } from './dump-core.ts'
import { runXm } from './front-end.ts'
import { help } from './help.ts'
import { image } from './image/image.ts'
import { kernelCommands } from './kernel-commands.ts'
import { lifecycleCommands } from './lifecycle-commands.ts'
import { list } from './list.ts'
import { managedCommands } from './managed-commands.ts'
import { networkCommands } from './network-commands.ts'
import { networkDump } from './network-dump.ts'
import { nodeCommands } from './node-commands.ts'
import { schedCredit } from './sched-credit.ts'
import { shell } from './shell.ts'
import { top } from './top/top.ts'
import { uptime } from './uptime.ts'
import { vcpuCommands } from './vcpu-commands.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  console,
  create,
  list,
  doctor,
  dumpCore,
  image,
  ...lifecycleCommands,
  ...managedCommands,
  ...nodeCommands,
  ...kernelCommands,
  ...blockCommands,
  ...networkCommands,
  networkDump,
  schedCredit,
  top,
  uptime,
  ...vcpuCommands,
  help(() => COMMANDS),
  completion(() => COMMANDS),
  shell(
    () => COMMANDS,
    (words, context) => runXm(words, COMMANDS, context),
  ),
].toSorted((a, b) => (a.name < b.name ? -1 : 1))
