/** Configuration of the CPU engine, which judges it. */
export interface CpuChoice {
  readonly level: string
  readonly hide: readonly string[]
}

/** How a user writes it. */
export const CPU_CHOICE_FORM = "a level, and features to hide with a dash before each: 'LEVEL[,-NAME...]'"

/** Undefined for what is not written so. */
export function cpuChoice(text: string): CpuChoice | undefined {
  const [level, ...hidden] = text.split(',') as [string, ...string[]]
  if (level === '' || hidden.some((part) => !/^-./.test(part))) return undefined
  return { level, hide: hidden.map((part) => part.slice(1)) }
}
