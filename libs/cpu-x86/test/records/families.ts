/** The rows of the instruction table by the file of `src/insn` that has them. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Row } from '../../src/insn/row.ts'
import { rows } from '../../src/insn/table.ts'

export interface Family {
  readonly name: string
  readonly rows: readonly NamedRow[]
}

export interface NamedRow {
  readonly row: Row
  /** Tells it from every other row, whatever rows are added or moved. */
  readonly key: string
}

const SOURCES = new URL('../../src/insn/', import.meta.url)

const MAPS = ['', '0f ', '0f 38 ', '0f 3a ']

/** Mnemonic, encoding and operands: `add 01 Ev,Gv`, `addps np 0f 58 Vx,Wx`. */
export function keyOf(row: Row): string {
  const { name, map, code, prefix, ext, mod, rm, w, mode, operands, plusReg } = row
  const vex = row.vex ? 'vex ' : ''
  const opcode = `${MAPS[map]}${code.toString(16).padStart(2, '0')}${plusReg ? '+' : ''}`
  const parts = [
    `${vex}${prefix ? `${prefix} ` : ''}${opcode}${ext === undefined ? '' : `/${ext}`}`,
    ...(mod ? [mod] : []),
    ...(rm === undefined ? [] : [`rm${rm}`]),
    ...(w === undefined ? [] : [`w${w}`]),
    ...(mode === undefined ? [] : [`m${mode}`]),
    ...(operands ? [operands.replaceAll(' ', ',')] : []),
  ]
  return `${name} ${parts.join(' ')}`
}

/** In the order of their names; every row of the table is in one. */
export async function readFamilies(): Promise<readonly Family[]> {
  const inTable = new Set(rows)
  const families: Family[] = []
  for (const file of readdirSync(fileURLToPath(SOURCES)).sort()) {
    if (file === 'table.ts' || file === 'row.ts') continue
    const module: { readonly rows?: readonly Row[] } = await import(new URL(file, SOURCES).href)
    const own = (module.rows ?? []).filter((row) => inTable.delete(row))
    if (own.length > 0)
      families.push({ name: file.replace('.ts', ''), rows: own.map((row) => ({ row, key: keyOf(row) })) })
  }
  if (inTable.size > 0)
    throw new Error(`rows of the table in no file of src/insn: ${[...inTable].map(keyOf).join('; ')}`)
  return families
}
