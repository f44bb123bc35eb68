import type { Command } from './command.ts'
import { console } from './console.ts'
import { create } from './create.ts'
import { help } from './help.ts'
import { lifecycleCommands } from './lifecycle-commands.ts'
import { list } from './list.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  console,
  create,
  list,
  ...lifecycleCommands,
  help(() => COMMANDS),
].toSorted((a, b) => (a.name < b.name ? -1 : 1))
