import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86'
import { CODE } from './layout.ts'

export interface Line {
  readonly offset: number
  readonly bytes: string
  readonly text: string
}

/** Everything from an offset on up to the zeros after the program. */
export function disassemble(image: Uint8Array, from: number, count: number = Number.POSITIVE_INFINITY): Line[] {
  const end =
    count === Number.POSITIVE_INFINITY ? image.subarray(0, 0x1fc0).findLastIndex((byte) => byte !== 0) + 1 : 0x2000
  const bytes = image.subarray(from, Math.max(end, from))
  const decoder = new Decoder(64, bytes, DecoderOptions.None)
  decoder.ip = BigInt(CODE + from)
  const formatter = new Formatter(FormatterSyntax.Intel)
  const result: Line[] = []
  while (decoder.canDecode && result.length < count) {
    const at = decoder.position
    const insn = decoder.decode()
    const hex = Buffer.from(bytes.subarray(at, at + insn.length)).toString('hex')
    result.push({ offset: from + at, bytes: hex, text: formatter.format(insn) })
    insn.free()
  }
  decoder.free()
  formatter.free()
  return result
}
