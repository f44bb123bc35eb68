import type { XsMessage } from './message.ts'
import { payloadOf, type Reply } from './reply.ts'

const SHOWN = 200

/** What is written of requests while `xenstore-control log on` holds: a line each, of printable characters. */
export class RequestLog {
  on = false
  readonly say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.say = (line) => say(printable(line))
  }

  note(domid: number, { type, txId, payload }: XsMessage, reply: Reply): void {
    const answer = reply.kind === 'error' ? reply.errno : payloadOf(reply)
    const where = txId === 0 ? '' : ` in ${txId}`
    this.say(`d${domid} ${type}${where} ${payload.slice(0, SHOWN)} -> ${answer.slice(0, SHOWN)}`)
  }
}

function printable(line: string): string {
  return line.replaceAll('\0', '|').replaceAll(/[^ -~]/g, '?')
}
