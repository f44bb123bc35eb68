/**
 * How a plugin checks its part of the configuration. Many validation libraries' schemas have this shape; {@link configOf}
 * makes one without any.
 */
export interface ConfigSchema<C> {
  /**
   * @param value as read from the file; undefined if the plugin is listed without configuration
   * @throws an Error whose message names the key at fault and what it may be
   */
  parse(value: unknown): C
}

/** One key of a configuration object. */
export interface ConfigKey<T> {
  /** Taken when the key is absent; a key without it must be there. */
  readonly initial?: T
  /** What it may be, for messages: "a whole number from 1 to 1000". */
  readonly expected: string
  accepts(value: unknown): value is T
}

export type ConfigKeys = Readonly<Record<string, ConfigKey<unknown>>>
export type ConfigValues<K extends ConfigKeys> = {
  readonly [N in keyof K]: K[N] extends ConfigKey<infer T> ? T : never
}

/** A whole number, bounds included. `also` is a value allowed outside of them. */
export function wholeNumber(rule: { min: number; max: number; initial?: number; also?: number }): ConfigKey<number> {
  const { min, max, initial, also } = rule
  return {
    ...(initial === undefined ? {} : { initial }),
    expected: `a whole number from ${min} to ${max}${also === undefined ? '' : `, or ${also}`}`,
    accepts: (value): value is number =>
      Number.isInteger(value) && (value === also || ((value as number) >= min && (value as number) <= max)),
  }
}

export function text(rule: { initial?: string } = {}): ConfigKey<string> {
  return { ...rule, expected: 'a string', accepts: (value): value is string => typeof value === 'string' }
}

export function yesNo(rule: { initial?: boolean } = {}): ConfigKey<boolean> {
  return { ...rule, expected: 'true or false', accepts: (value): value is boolean => typeof value === 'boolean' }
}

/** An object of exactly these keys. */
export function configOf<const K extends ConfigKeys>(keys: K): ConfigSchema<ConfigValues<K>> {
  return {
    parse(value) {
      const given = value ?? {}
      if (typeof given !== 'object' || Array.isArray(given)) throw new Error('it must be an object')
      for (const name of Object.keys(given)) {
        if (!Object.hasOwn(keys, name)) {
          throw new Error(`"${name}" is unknown; known keys: ${Object.keys(keys).join(', ') || 'none'}`)
        }
      }
      const entries = Object.entries(keys).map(([name, { initial, expected, accepts }]) => {
        const chosen = (given as Record<string, unknown>)[name] ?? initial
        if (!accepts(chosen)) throw new Error(`"${name}" must be ${expected}`)
        return [name, chosen]
      })
      return Object.fromEntries(entries) as ConfigValues<K>
    },
  }
}

/** Of a plugin without settings. */
export const noConfig: ConfigSchema<ConfigValues<Record<never, never>>> = configOf({})
