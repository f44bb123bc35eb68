import { EventEmitter } from 'node:events'
import type { TerminalInput, TerminalOutput } from '../../src/start/terminal.ts'

/** A keyboard or a pipe. */
export class ScriptedInput extends EventEmitter implements TerminalInput {
  readonly isTTY: boolean
  raw = false
  flowing = false

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  setRawMode(raw: boolean): void {
    this.raw = raw
  }

  resume(): void {
    this.flowing = true
  }

  pause(): void {
    this.flowing = false
  }

  type(text: string): void {
    this.emit('data', Buffer.from(text))
  }
}

export class ScriptedOutput extends EventEmitter implements TerminalOutput {
  readonly isTTY: boolean
  shown = ''

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  write(bytes: Uint8Array | string): void {
    this.shown += Buffer.from(bytes).toString()
  }
}
