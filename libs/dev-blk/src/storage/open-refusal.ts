import { CodedError } from '@paravane/core'

/** A disk cannot be opened. @param name as the user wrote it, with its scheme @param why with the way out */
export function openRefusal(
  name: string,
  why: string,
  cause?: unknown,
): CodedError<{ readonly code: 'DISK_OPEN'; readonly target: string }> {
  return new CodedError({ code: 'DISK_OPEN', target: name }, `${name}: ${why}`, { cause })
}
