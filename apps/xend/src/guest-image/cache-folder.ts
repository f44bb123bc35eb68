import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Where Paravane keeps what it can fetch again: `$XDG_CACHE_HOME/paravane`, else `~/.cache/paravane`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME
  // The XDG specification says to ignore a relative path.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'paravane')
}

/** Where Node keeps what it makes of our sources. */
export function compiledSources(): string {
  return join(cacheFolder(), 'compiled')
}
