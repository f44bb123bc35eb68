import { CodedError, type FindProgram } from '@paravane/core'
import type { Progress } from '../guest-image/apt.ts'
import { obtainProgram } from '../guest-image/host-program.ts'

/** Debian's packages of the programs that a network may need. */
const PACKAGES: Readonly<Record<string, string>> = { passt: 'passt', 'qemu-system-x86_64': 'qemu-system-x86' }

/** Finds helpers of networks: those that are installed, else Debian's in the cache, fetched where that is possible. */
export function helperPrograms(progress: Progress): FindProgram {
  return async (name) => {
    try {
      return await obtainProgram(name, PACKAGES[name] ?? name, progress)
    } catch (error) {
      if (error instanceof CodedError && error.code === 'PROGRAM_MISSING') return undefined
      throw error
    }
  }
}
