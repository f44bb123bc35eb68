import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { PROGRAMS, pathOf, TEXT_BYTES } from './table.ts'

const FOLDER = 'bench/programs'

/** The programs' inputs, for an archive after the tree. */
export async function programFiles(): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [{ type: 'directory', path: FOLDER }]
  for (const { name, command, file } of PROGRAMS) {
    if (file !== undefined)
      entries.push({ type: 'file', path: `${FOLDER}/${file.name}`, data: await readFile(pathOf(file.name)) })
    entries.push({ type: 'file', path: `${FOLDER}/run-${name}`, data: Buffer.from(`${command}\n`) })
  }
  return entries
}

/** For sh, wherever the tree is the root. */
export function programScript(workload: string, names: readonly string[]): string {
  return [
    `cp /${FOLDER}/* /tmp`,
    'cd /tmp',
    `${workload} --text ${TEXT_BYTES} >text`,
    `head -c ${TEXT_BYTES / 2} text >half`,
    ...names.map((name) => `${workload} --program ${name} sh run-${name}`),
  ].join(' && ')
}

/** Arguments of unshare(1): in a mount namespace of its own, with the tree as the root. */
export function enterTree(tree: string, script: string): string[] {
  const inside = `export PATH=/bin HOME=/; ${script}`
  const enter = `mount --rbind /dev ${join(tree, 'dev')} && exec chroot ${tree} /bin/sh -c "$0"`
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  return [...asRoot, '--mount', 'sh', '-c', enter, inside]
}
