/** The format of an image file, by its first bytes, which a guest may have written: of a raw image they say nothing for sure. */
import { open } from 'node:fs/promises'

export interface ImageHeader {
  readonly format: 'raw' | 'qcow2' | 'vmdk' | 'vpc' | 'vhdx'
  /** Bytes the guest sees, where the header of the format says it simply. */
  readonly virtualSize?: number
  /** Of qcow2: the image under it. */
  readonly backing?: string
}

const MARKS: readonly (readonly [ImageHeader['format'], string])[] = [
  ['qcow2', 'QFI\xfb'],
  ['vmdk', 'KDMV'],
  ['vmdk', '# Disk DescriptorFile'],
  ['vpc', 'conectix'],
  ['vhdx', 'vhdxfile'],
]
const BACKING_BYTES_MAX = 1023

export async function readImageHeader(path: string): Promise<ImageHeader> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(4096)
    await file.read(head, 0, head.length, 0)
    const footer = Buffer.alloc(512)
    if (size >= 512) await file.read(footer, 0, 512, size - 512)
    const [format] = MARKS.find(([, mark]) => head.toString('latin1', 0, mark.length) === mark) ?? []
    if (format === undefined) {
      // A VHD of fixed size is a raw image with a footer.
      return footer.toString('latin1', 0, 8) === 'conectix' ? { format: 'vpc' } : { format: 'raw', virtualSize: size }
    }
    if (format !== 'qcow2') return { format }
    const [at, length] = [Number(head.readBigUInt64BE(8)), head.readUInt32BE(16)]
    const virtualSize = Number(head.readBigUInt64BE(24))
    if (at === 0 || length === 0 || length > BACKING_BYTES_MAX || at + length > head.length)
      return { format, virtualSize }
    return { format, virtualSize, backing: head.toString('utf8', at, at + length) }
  } finally {
    await file.close()
  }
}
