/**
 * What glibc's malloc reads when a process begins. By itself it raises both thresholds (bytes) as it runs, to 32 and 64 MiB, and has an
 * arena for each thread, and so keeps what V8's compilers have given back. Thresholds of 16 and 32 KiB save 15 MiB more and cost a boot a
 * fifth of its time: V8's pieces are then mapped one by one.
 */
export const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_ARENA_MAX: '2',
} as const

/** Of V8, MiB: what core's threads have (`thread-memory.ts`), for the main thread. */
export const YOUNG = ['--max-semi-space-size=4'] as const

/**
 * Starts this process over, with the same arguments and the same number, so that it takes less of the host's memory. Does nothing
 * where that is not possible, has been done, or was decided by the user: whoever sets one of these variables keeps all as it is.
 */
export function startOver({
  env,
  execPath,
  execArgv,
  argv,
  channel,
  platform,
  execve,
}: NodeJS.Process = process): void {
  const isDecided = Object.keys(MALLOC).some((name) => name in env)
  // A channel to the process that forked this one would not survive it.
  if (isDecided || channel || execve === undefined || platform !== 'linux') return
  try {
    execve(execPath, [execPath, ...YOUNG, ...execArgv, ...argv.slice(1)], { ...env, ...MALLOC })
  } catch {
    // Not allowed, as under --permission: it takes more memory.
  }
}
