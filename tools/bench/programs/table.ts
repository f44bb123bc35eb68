import { fileURLToPath } from 'node:url'

/** A real program with a fixed input. What is here stays as it is, or its figures mean something else. */
export interface Program {
  readonly name: string
  /** For sh, in a folder with the files below, `text` (6,000,000 bytes of made-up words) and `half` of it. */
  readonly command: string
  /** Its input in this folder, and that file's size in bytes. */
  readonly file?: { readonly name: string; readonly bytes: number }
}

export const PROGRAMS: readonly Program[] = [
  { name: 'gzip', command: 'gzip -9 -n -c text' },
  { name: 'openssl', command: 'sh openssl.sh', file: { name: 'openssl.sh', bytes: 546 } },
  { name: 'perl', command: 'perl words.pl half', file: { name: 'words.pl', bytes: 736 } },
  { name: 'python', command: 'python3.11 -E objects.py half', file: { name: 'objects.py', bytes: 1436 } },
  { name: 'sqlite', command: 'sqlite3 :memory: <tables.sql', file: { name: 'tables.sql', bytes: 1429 } },
  { name: 'gcc', command: 'gcc -O2 -S -o - templates.c', file: { name: 'templates.c', bytes: 7754 } },
]

export const TEXT_BYTES = 6_000_000

/** Where a program's file is here. */
export function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
