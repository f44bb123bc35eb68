import { CodedError } from '@paravane/core'

/** What is said of a part of a setting begins with where that is. @throws CodedError */
export function atSetting(where: string, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    throw new CodedError(error.details, `${where}: ${error.message}`, { cause: error })
  }
}
