/** What qemu says about a disk that it does not open, in words for the operator. */
import { openersOf } from '../openers.ts'

const LOCKED = /Failed to (get .*lock|lock)/
const REFUSALS: readonly (readonly [said: RegExp, why: string])[] = [
  [/No such file or directory/, 'there is no such file'],
  [/Permission denied/, 'permission denied: let the user that runs the hypervisor use it'],
  [/not in \w+ format/, 'it is no image of this format; `qemu-img info` says what it is'],
  [
    /Unknown driver|Parameter 'driver' does not accept value/,
    "this qemu-storage-daemon was built without what it needs; install Debian's qemu-block-extra",
  ],
  [/Could not open backing file/, 'the image that it is based on cannot be opened; `qemu-img info` names it'],
  [/Read-only file system/, 'its file system is read-only: ask for it read-only (mode r), or remount it'],
  [/marked as corrupt|Image is corrupt/, 'the image is damaged; `qemu-img check` says how'],
  [/Authentication failure/, 'the target refuses the log in: look at user and password in the file of chap='],
  [/Target not found/, 'the portal has no target of this name'],
  [/LOGICAL_UNIT_NOT_SUPPORTED/, 'the target has no logical unit of this number'],
  [/Failed to connect to LUN/, 'the target does not answer'],
]

/** Somebody else has the image open. */
export function isLockRefusal(said: string): boolean {
  return LOCKED.test(said)
}

/** @param file what qemu locks */
export async function refusalOf(said: string, file?: string): Promise<string> {
  if (isLockRefusal(said)) {
    const openers = file === undefined ? [] : await openersOf(file)
    const who = openers.length === 0 ? 'another process' : openers.join(', ')
    return `it is in use by ${who}: end that use first`
  }
  const known = REFUSALS.find(([pattern]) => pattern.test(said))
  const plain = lastLine(said)
  return known === undefined ? `qemu says: ${plain}` : `${known[1]} (${plain})`
}

/** Without the name of the program and what it was given. */
function lastLine(said: string): string {
  const line = said.trim().split('\n').at(-1) ?? ''
  return line.replace(/^qemu-storage-daemon: /, '').replace(/^--\w+ \{.*\}: /, '')
}
