import { type Field, Field64, NumberField, Text } from '../../src/abi/field.ts'
import {
  Array64,
  type Embedded,
  fieldsOf,
  LAYOUT,
  NumberArray,
  offsetof,
  StructArray,
  sizeof,
} from '../../src/abi/struct.ts'
import type { AbiModule } from './abi-modules.ts'

/** Something we state about C: what we say, and the C expression (a number or a string) that must say the same. */
export interface Fact {
  readonly name: string
  readonly ours: bigint | string
  readonly c: string
}

/** What C makes of a scalar: 1 signed, 0 unsigned, 2 plain char, 3 anything else, as pointers and guest handles are. */
const signedness = (scalar: string) =>
  `_Generic((${scalar}), signed char: 1, short: 1, int: 1, long: 1, long long: 1, unsigned char: 0, unsigned short: 0, ` +
  'unsigned: 0, unsigned long: 0, unsigned long long: 0, char: 2, default: 3)'

function* scalarFacts(name: string, c: string, field: NumberField | Field64): Generator<Fact> {
  yield { name: `${name} size of each`, ours: BigInt(field.size), c: `sizeof(${c})` }
  const ok = field.signed ? '== 1' : field.size === 1 ? '!= 1' : field.size === 8 ? '% 3 == 0' : '== 0'
  yield { name: `${name} ${field.signed ? 'signed' : 'unsigned'}`, ours: 1n, c: `${signedness(c)} ${ok}` }
}

function* memberFacts(type: string, path: string, member: Embedded | Field): Generator<Fact> {
  const name = `${type}.${path}`
  const c = `((${type} *)0)->${path}`
  yield { name: `${name} offset`, ours: BigInt(offsetof(member)), c: `offsetof(${type}, ${path})` }
  const endless = 'length' in member && member.length === Number.POSITIVE_INFINITY
  if (!endless) yield { name: `${name} size`, ours: BigInt(sizeof(member)), c: `sizeof(${c})` }
  if (member instanceof NumberField || member instanceof Field64) yield* scalarFacts(name, c, member)
  if (member instanceof NumberArray || member instanceof Array64) yield* scalarFacts(name, `${c}[0]`, member.element)
  if (member instanceof StructArray) yield { name: `${name} stride`, ours: BigInt(member.stride), c: `sizeof(${c}[0])` }
  if (member instanceof Text) yield { name: `${name} of bytes`, ours: 1n, c: `sizeof(${c}[0])` }
}

function* structFacts(type: string, of: Embedded): Generator<Fact> {
  yield { name: `${type} size`, ours: BigInt(sizeof(of)), c: `sizeof(${type})` }
  yield { name: `${type} alignment`, ours: BigInt(of[LAYOUT].align), c: `_Alignof(${type})` }
  for (const { path, member } of fieldsOf(of)) yield* memberFacts(type, path, member)
}

function isStruct(value: unknown): value is Embedded {
  return typeof value === 'object' && value !== null && LAYOUT in value
}

/** Every fact a module states: the value of each constant, the place and kind of each field. */
export function* factsOf(module: AbiModule): Generator<Fact> {
  for (const [name, value] of Object.entries(module.exports)) {
    const c = module.inC(name)
    if ('reason' in c) continue
    if (typeof value === 'number' || typeof value === 'bigint') {
      yield { name, ours: BigInt.asUintN(64, BigInt(value)), c: c.expression }
    } else if (typeof value === 'string') {
      yield { name, ours: value, c: c.expression }
    } else if (isStruct(value)) {
      const kind = 'union' in value[LAYOUT].types ? 'union' : 'struct'
      yield* structFacts(c.expression === name ? `${kind} ${name}` : c.expression, value)
    } else {
      throw new Error(`${module.path} exports ${name}, of which C cannot be asked: move it to a file of ours`)
    }
  }
}

/** A program that prints what C says of each fact of the modules, one per line. */
export function programOf(modules: readonly AbiModule[]): string {
  const facts = modules.flatMap((module) => [...factsOf(module)])
  const headers = [...new Set(modules.flatMap((module) => module.headers))].sort()
  const numbers = facts.filter(({ ours }) => typeof ours === 'bigint')
  const strings = facts.filter(({ ours }) => typeof ours === 'string')
  const row = ({ name, c }: Fact) => `  {${JSON.stringify(name)}, ${c}},`
  return [
    // Toolstacks see more of the headers than guests do.
    '#define __XEN_TOOLS__ 1',
    ...['stddef.h', 'stdint.h', 'stdio.h', ...headers].map((header) => `#include <${header}>`),
    ...modules.map(({ prelude }) => prelude),
    'static const struct { const char *name; unsigned long long value; } numbers[] = {',
    ...numbers.map(row),
    '};',
    'static const struct { const char *name; const char *value; } strings[] = {',
    ...strings.map(row),
    '};',
    'int main(void) {',
    '  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)',
    '    printf("%s\\t%llu\\n", numbers[i].name, numbers[i].value);',
    '  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)',
    '    printf("%s\\t%s\\n", strings[i].name, strings[i].value);',
    '}',
    '',
  ].join('\n')
}
