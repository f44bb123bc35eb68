import { readdirSync, readFileSync } from 'node:fs'

/** Processes of qemu-storage-daemon that have a text in their arguments. */
export function daemons(text: string): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^[0-9]+$/.test(pid))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return line.includes('qemu-storage-daemon') && line.includes(text)
      } catch {
        return false
      }
    })
    .map(Number)
}
