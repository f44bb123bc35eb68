/** The hypervisor's own console ring, which `xm dmesg` shows: its messages, and what guests write by console_io. */
import { KeptOutput } from './kept-output.ts'

/** Blocks of 64 KiB. */
const KEPT_BLOCKS = 2
/** A guest's line that is longer is shown in pieces; what it has begun waits no longer than that (xen/common/domain.c, pbuf). */
const LINE_MAX = 200

export class MessageLog {
  readonly #begun = new Map<number, string>()
  #kept = new KeptOutput(KEPT_BLOCKS)

  /** A message of the hypervisor, of one or more lines. */
  say(message: string): void {
    for (const line of message.split('\n')) this.#push(`(XEN) ${line}`)
  }

  /** What a guest wrote, of which whole lines are shown. */
  guest(domid: number, bytes: Uint8Array): void {
    let line = this.#begun.get(domid) ?? ''
    for (const character of Buffer.from(bytes).toString('latin1')) {
      if (character !== '\n' && line.length < LINE_MAX) {
        line += isShown(character) ? character : ''
        continue
      }
      this.#push(`(d${domid}) ${line}`)
      line = character === '\n' ? '' : character
    }
    if (line === '') this.#begun.delete(domid)
    else this.#begun.set(domid, line)
  }

  /** A guest is gone, with what it had begun to say. */
  end(domid: number): void {
    const line = this.#begun.get(domid)
    if (line !== undefined) this.#push(`(d${domid}) ${line}`)
    this.#begun.delete(domid)
  }

  text(): string {
    return Buffer.concat(this.#kept.pieces()).toString('latin1')
  }

  clear(): void {
    this.#kept = new KeptOutput(KEPT_BLOCKS)
  }

  #push(line: string): void {
    this.#kept.push(Buffer.from(`${line}\n`, 'latin1'))
  }
}

/** A terminal shows it as it is: no guest writes escape sequences to it. */
const isShown = (character: string): boolean => (character >= ' ' && character <= '~') || character === '\t'
