/**
 * The PV console ring, with a guest that writes anything anywhere. What comes out is what lay in the ring between the
 * backend's own index and the producer's; an impossible index ends the console, after which its page is left alone; what
 * waits is bounded; one poke is bounded.
 */
import { xencons_interface } from '../../../libs/core/src/abi/io/console.ts'
import { PvConsole, type PvConsoleListener } from '../../../libs/core/src/console/pv-console.ts'
import { PAGE_SIZE, type SharedPage, sharedPage } from '../../../libs/core/src/ring/shared-page.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'
import { whileChanging } from './changing-page.ts'

/** Bytes of an act. */
const ACT = 8
const MOST_ACTS = 64
const { in: input, out: output, in_cons, in_prod, out_cons, out_prod } = xencons_interface
const WORD = {
  inCons: in_cons.offset >> 2,
  inProd: in_prod.offset >> 2,
  outCons: out_cons.offset >> 2,
  outProd: out_prod.offset >> 2,
}
const WORDS: readonly number[] = Object.values(WORD)
const INPUT_LIMIT = 65_536
const EMPTY = new Uint8Array(PAGE_SIZE)
/** A poke hands out the ring a few times over at most, whatever the guest does meanwhile. */
const MOST_OUTPUT = 16 * output.length

/** Makes a backend; a test gives a wrong one. */
export type MakeConsole = (page: SharedPage, notify: () => void, listener: PvConsoleListener) => PvConsole

class ConsoleJudge implements Judge {
  readonly #make: MakeConsole
  readonly #tape = new Tape()
  readonly #memory = new SharedArrayBuffer(3 * PAGE_SIZE)
  readonly #around = new Uint8Array(this.#memory)
  readonly #page = sharedPage(this.#memory, PAGE_SIZE, (offset, length) => this.#committed(offset, length))
  readonly #words = this.#page.words
  readonly #input = new Uint8Array(INPUT_LIMIT + 5000).map((_, n) => n)
  #console: PvConsole | undefined
  #received: Uint8Array[] = []
  #commits = 0
  #notified = 0
  /** Where the backend is: the page may say otherwise. */
  #outOwn = 0
  #inOwn = 0
  /** Bytes of input that the backend accepted and that are not yet in the ring. */
  #waiting = 0
  /** How much of the input has been put into the ring. */
  #sent = 0

  constructor(make: MakeConsole) {
    this.#make = make
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    this.#start(this.#tape.open(bytes))
    let acts = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT, acts++) this.#act(this.#tape.open(bytes, at, at + ACT))
    this.#outside()
    return acts
  }

  #start(tape: Tape): void {
    this.#around.fill(0)
    const index = tape.pick([0, 0xffff_fff0, 0x7fff_ffff, 12_345])
    for (const word of WORDS) this.#words[word] = index
    this.#outOwn = index >>> 0
    this.#inOwn = index >>> 0
    this.#waiting = 0
    this.#sent = 0
    this.#received = []
    this.#console = this.#make(this.#page, () => this.#notified++, { output: (bytes) => this.#received.push(bytes) })
  }

  #act(tape: Tape): void {
    const console = this.#console!
    const kind = tape.below(12)
    const wasStopped = console.stopped !== undefined
    const [commits, notified] = [this.#commits, this.#notified]
    if (kind < 3) this.#produce(tape.below(3000))
    else if (kind < 6) this.#poke()
    else if (kind < 8) this.#write(tape.below(4) === 0 ? tape.below(70_000) : tape.below(300))
    else if (kind === 8) this.#words[WORD.inCons] = this.#words[WORD.inProd]!
    else if (kind === 9)
      this.#words[tape.pick(WORDS)] = tape.below(3) === 0 ? tape.u32() : this.#outOwn + tape.below(2100)
    else if (kind === 10) this.#page.bytes.fill(tape.byte(), tape.below(PAGE_SIZE), PAGE_SIZE)
    else this.#pokeWhileChanging(tape)
    if (!wasStopped) return
    demand(this.#commits === commits && this.#notified === notified, 'a stopped console touches its page or notifies')
    demand(this.#received.length === 0, 'a stopped console hands out bytes')
  }

  /** The guest writes, as it should: at its producer index, as much as it likes. */
  #produce(count: number): void {
    const prod = this.#words[WORD.outProd]! >>> 0
    for (let n = 0; n < count; n++) this.#page.bytes[output.offset + ((prod + n) & (output.length - 1))] = prod + n
    this.#words[WORD.outProd] = prod + count
  }

  /** Without anybody changing the page meanwhile it is known what must come out. */
  #poke(): void {
    const before = this.#console!.stopped
    const filled = (this.#words[WORD.outProd]! - this.#outOwn) >>> 0
    const expected = new Uint8Array(Math.min(filled, output.length))
    const { bytes } = this.#page
    for (let n = 0; n < expected.length; n++) {
      expected[n] = bytes[output.offset + ((this.#outOwn + n) & (output.length - 1))]!
    }
    const inputConsumer = this.#words[WORD.inCons]! >>> 0
    this.#console!.poke()
    const got = this.#take()
    if (before !== undefined) return
    if (filled > output.length) {
      demand(got.length === 0 && this.#console!.stopped !== undefined, 'an impossible producer index does not stop it')
      return
    }
    if (Buffer.compare(got, expected) !== 0) finding(`${got.length} bytes came out, ${expected.length} lay in the ring`)
    this.#outOwn = (this.#outOwn + got.length) >>> 0
    this.#checkInput(inputConsumer, before)
  }

  #write(count: number): void {
    const before = this.#console!.stopped
    const inputConsumer = this.#words[WORD.inCons]! >>> 0
    const from = (this.#sent + this.#waiting) & 255
    const accepted = this.#console!.write(this.#input.subarray(from, from + Math.min(count, INPUT_LIMIT)))
    demand(accepted >= 0 && accepted <= count, 'more input accepted than given')
    if (before !== undefined) {
      demand(accepted === 0, 'a stopped console accepts input')
      return
    }
    this.#waiting += accepted
    this.#checkInput(inputConsumer, before)
  }

  /** What fits is in the ring, in order, and no more than fits. */
  #checkInput(consumer: number, before: string | undefined): void {
    if (before !== undefined || this.#waiting === 0) return
    const filled = (this.#inOwn - consumer) >>> 0
    if (filled > input.length) {
      demand(this.#console!.stopped !== undefined, 'an impossible consumer index does not stop it')
      return
    }
    const moved = Math.min(this.#waiting, input.length - filled)
    const published = this.#words[WORD.inProd]! >>> 0
    if (moved > 0) demand(published === (this.#inOwn + moved) >>> 0, 'the producer index is not where the input ends')
    for (let n = 0; n < moved; n++) {
      const byte = this.#page.bytes[input.offset + ((this.#inOwn + n) & (input.length - 1))]
      if (byte !== ((this.#sent + n) & 255)) finding(`byte ${n} of ${moved} of the input is not what was written`)
    }
    this.#inOwn = (this.#inOwn + moved) >>> 0
    this.#sent += moved
    this.#waiting -= moved
    demand(this.#waiting <= INPUT_LIMIT, 'more input waits than may')
  }

  /** What comes out of it is the guest's own affair. A new console follows, since its indices are not known any more. */
  #pokeWhileChanging(tape: Tape): void {
    const seed = tape.u32()
    let turns = 0
    whileChanging(
      this.#words,
      (index) => {
        turns++
        this.#words[index] = this.#words[index]! + (Math.imul(seed, turns) >>> (turns & 1 ? 20 : 30))
      },
      () => this.#console!.poke(),
    )
    const { length } = this.#take()
    demand(length <= MOST_OUTPUT, 'one poke hands out the ring without end')
    demand(turns < 100, 'one poke reads the indices without end')
    this.#console!.close()
    this.#take()
    this.#outside()
    this.#start(tape)
  }

  #take(): Uint8Array {
    const all = Buffer.concat(this.#received)
    for (const piece of this.#received) demand(piece.length > 0, 'a listener is told nothing')
    this.#received = []
    return all
  }

  #committed(offset: number, length: number): void {
    this.#commits++
    demand(offset >= 0 && length > 0 && offset + length <= PAGE_SIZE, 'a commit outside the page')
  }

  #outside(): void {
    for (const at of [0, 2 * PAGE_SIZE]) {
      demand(Buffer.compare(this.#around.subarray(at, at + PAGE_SIZE), EMPTY) === 0, 'written outside the page')
    }
  }
}

export function consoleTarget(
  make: MakeConsole = (page, notify, listener) => new PvConsole(page, notify, listener),
): Target {
  return {
    name: 'console',
    input: 'one act on the ring',
    stride: ACT,
    life: 1 << 20,
    open: () => new ConsoleJudge(make),
  }
}
