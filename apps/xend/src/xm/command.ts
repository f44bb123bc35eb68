import type { RpcClient } from '../rpc/rpc-client.ts'

/** An option of a command. */
export interface CommandOption {
  /** As typed, without dashes. */
  readonly long: string
  readonly short?: string
  /** What its value is called in the usage; without one it is a flag. */
  readonly value?: string
  readonly about: string
}

/** What a command was given. */
export interface Given {
  readonly args: readonly string[]
  /** Of an option with a value the text, of a flag ''. The last one holds. */
  readonly options: ReadonlyMap<string, string>
  readonly json: boolean
}

/** Where a command runs. */
export interface CommandContext {
  readonly xend: RpcClient
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Where relative paths begin. */
  readonly folder: string
  readonly wait: (ms: number) => Promise<void>
}

export interface Command {
  readonly name: string
  /** What follows the name in the usage: "<Domain>". */
  readonly usage: string
  readonly summary: string
  /** How many arguments it takes, options apart. */
  readonly args: readonly [min: number, max: number]
  readonly options?: readonly CommandOption[]
  /** @throws CodedError what is printed after "Error: "; an empty message is not */
  run(given: Given, context: CommandContext): Promise<void>
}
