/** Whether each message that a user can be told stands in a test. */
import { siteLine, unreadMessages } from '../user-errors/unread-messages.ts'
import type { Outcome } from './point.ts'
import { ROOT } from './root.ts'

export function userErrors(): Outcome {
  const { sites, unread } = unreadMessages(ROOT)
  return {
    pass: unread.length === 0,
    value: `${sites} messages in the sources; tests have the words of all but ${unread.length}`,
    faults: unread.map(siteLine),
  }
}
