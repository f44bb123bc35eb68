import { setFlagsFromString } from 'node:v8'

/** V8 in which branch hints are on without being asked for, and their flag may be gone. */
const HINTS_BY_DEFAULT = 14

/**
 * Sets up V8 for translated code. To be called in the main thread before the first module is compiled: the flags are
 * the whole process's.
 *
 * Without hints a call on a cold path spills every register around it in the hot loop as well; with the default budget
 * thousands of warm functions stay in the baseline compiler for seconds; and what is compiled when it is first called is compiled by
 * the thread that runs the vCPU. V8's runtime functions are called where machine code is kept (kept/v8-code.ts).
 */
export function setV8Flags(): void {
  const major = Number.parseInt(process.versions.v8 ?? '', 10)
  if (major < HINTS_BY_DEFAULT) setFlagsFromString('--experimental-wasm-branch-hinting')
  setFlagsFromString('--wasm-tiering-budget=200000')
  setFlagsFromString('--no-wasm-lazy-compilation')
  setFlagsFromString('--allow-natives-syntax')
  // Core sets it when a domain is gone: machine code that is kept is good for the same flags alone.
  setFlagsFromString('--expose-gc')
}
