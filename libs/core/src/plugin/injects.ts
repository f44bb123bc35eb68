import 'reflect-metadata'
import { inject, injectable } from 'tsyringe'
import { bugOn } from '../errors.ts'
import type { AnyToken, TokenValue } from './token.ts'

/** What a constructor is given for a list of tokens. */
export type TokenValues<K extends readonly AnyToken[]> = { -readonly [I in keyof K]: TokenValue<K[I]> }
export type Injectable<T> = new (...args: never[]) => T

const NEEDS = Symbol.for('@paravane/core:needs')

/**
 * Says what a class's constructor is given, in order; the types are compared, which a decorator would not do:
 *
 * ```ts
 * class Kicker { static { injects(Kicker, Clock, Log) } constructor(clock: Clock, log: Log) {…} }
 * ```
 * For a token of many it is given a read-only map by key.
 */
export function injects<const K extends readonly AnyToken[]>(
  target: new (...args: TokenValues<K>) => unknown,
  ...tokens: K
): void {
  bugOn(tokens.length < target.length, 'a constructor parameter has no token')
  for (const [i, token] of tokens.entries()) inject(token)(target, undefined, i)
  injectable()(target)
  Object.defineProperty(target, NEEDS, { value: tokens })
}

/** The tokens a class was declared with; undefined if it was not. */
export function needsOf(target: Injectable<unknown>): readonly AnyToken[] | undefined {
  return Object.getOwnPropertyDescriptor(target, NEEDS)?.value as readonly AnyToken[] | undefined
}
