import { readdir, readFile, readlink } from 'node:fs/promises'

/** Processes of this host that have the file open, as far as this user may know: `process 812 (qemu-nbd)`. */
export async function openersOf(path: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) continue
    if (await hasOpen(pid, path)) found.push(`process ${pid} (${await nameOf(pid)})`)
  }
  return found
}

async function hasOpen(pid: string, path: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  // It may be another user's, or end meanwhile.
  for (const fd of await readdir(folder).catch(() => [])) {
    if ((await readlink(`${folder}/${fd}`).catch(() => '')) === path) return true
  }
  return false
}

async function nameOf(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim()
}
