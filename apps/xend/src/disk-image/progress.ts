/** How far something is, for people: a bar on a terminal, lines elsewhere. */

export interface ImageProgress {
  /** What begins now. Of a step whose parts are not known the bar moves by itself. */
  step(text: string): void
  /** How much of the step is done, 0 to 1. */
  part(done: number): void
  /** Something to be read. */
  say(line: string): void
  /** Nothing more comes; what it shows stays or goes. */
  end(): void
}

const BAR_WIDTH = 24
const REDRAW_MS = 200

export interface BarOutput {
  readonly columns?: number
  write(text: string): unknown
}

export function barProgress(output: BarOutput, now: () => number = () => performance.now()): ImageProgress {
  let [text, begin] = ['', 0]
  let done: number | undefined
  let timer: NodeJS.Timeout | undefined
  const clear = (): void => void output.write('\r\x1b[K')
  const draw = (): void => {
    const seconds = Math.floor((now() - begin) / 1000)
    const line = `${bar(done, seconds)} ${text}${done === undefined ? '' : ` ${Math.floor(done * 100)} %`} ${seconds} s`
    output.write(`\r\x1b[K${line.slice(0, (output.columns ?? 80) - 1)}`)
  }
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  return {
    step(next) {
      text = next
      begin = now()
      done = undefined
      timer ??= setInterval(draw, REDRAW_MS).unref()
      draw()
    },
    part(fraction) {
      done = Math.min(Math.max(fraction, 0), 1)
    },
    say(line) {
      clear()
      output.write(`${line}\n`)
      if (timer !== undefined) draw()
    },
    end() {
      stop()
      clear()
    },
  }
}

/** A block that wanders while nothing else is known. */
function bar(done: number | undefined, seconds: number): string {
  if (done !== undefined) {
    const full = Math.round(done * BAR_WIDTH)
    return `[${'#'.repeat(full)}${' '.repeat(BAR_WIDTH - full)}]`
  }
  const at = seconds % (BAR_WIDTH - 2)
  return `[${' '.repeat(at)}###${' '.repeat(BAR_WIDTH - 3 - at)}]`
}

/** A line for each step, and for each quarter of one. */
export function lineProgress(write: (line: string) => void): ImageProgress {
  let [text, told] = ['', 0]
  return {
    step(next) {
      ;[text, told] = [next, 0]
      write(`${text} ...`)
    },
    part(done) {
      const quarter = Math.floor(done * 4)
      if (quarter <= told || quarter >= 4) return
      told = quarter
      write(`${text}: ${quarter * 25} %`)
    },
    say: write,
    end: () => {},
  }
}
