/** A new disk: a sparse file with a GPT and one partition over all of it. */
import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import { FIRST_PARTITION_AT, GPT_TAIL_BYTES, gptBytes, LINUX_ROOT_X86_64 } from './gpt.ts'

const ALIGNMENT = 1 << 20

export interface Span {
  /** Bytes. */
  readonly offset: number
  readonly size: number
}

/** Makes the file. @param size multiple of 1 MiB @returns where its partition is */
export async function makePartitionedFile(path: string, size: number, name: string): Promise<Span> {
  const offset = FIRST_PARTITION_AT
  const partition = { offset, size: size - offset - ALIGNMENT }
  const { head, tail } = gptBytes(size, randomUUID(), [
    { ...partition, type: LINUX_ROOT_X86_64, uuid: randomUUID(), name },
  ])
  const file = await open(path, 'wx', 0o644)
  try {
    await file.truncate(size)
    await file.write(head, 0, head.length, 0)
    await file.write(tail, 0, tail.length, size - GPT_TAIL_BYTES)
  } finally {
    await file.close()
  }
  return partition
}
