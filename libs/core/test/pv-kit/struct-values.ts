import { Field, Field64, NumberField } from '../../src/abi/field.ts'
import type { Embedded } from '../../src/abi/struct.ts'

/** Fields by name; those of a structure inside a structure in an object of their own. */
export type Values = { readonly [name: string]: number | bigint | Values }

export function fillStruct(struct: Embedded, view: DataView, values: Values): void {
  for (const [name, value] of Object.entries(values)) {
    const member = memberOf(struct, name)
    if (member instanceof NumberField) member.set(view, 0, Number(value))
    else if (member instanceof Field64) member.set(view, 0, BigInt(value as bigint))
    else if (!(member instanceof Field)) fillStruct(member, view, value as Values)
    else throw new Error(`${name} is an array`)
  }
}

/** The value at a path such as `u.interdomain.port`. */
export function readStruct(struct: Embedded, view: DataView, path: string): number | bigint {
  const [name = '', ...rest] = path.split('.')
  const member = memberOf(struct, name)
  if (member instanceof NumberField) return member.get(view, 0)
  if (member instanceof Field64) return member.get(view, 0)
  if (member instanceof Field) throw new Error(`${path} is an array`)
  return readStruct(member, view, rest.join('.'))
}

function memberOf(struct: Embedded, name: string): Embedded | Field {
  const member = (struct as unknown as Record<string, Embedded | Field>)[name]
  if (member === undefined) throw new Error(`no field ${name}`)
  return member
}
