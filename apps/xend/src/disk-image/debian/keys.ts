/** SSH keys: the user's, who is let in, and the disk's own. */
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CodedError, installedProgram } from '@paravane/core'
import { runTool } from '../run-tool.ts'

const PUBLIC_KEY = /^(?:[^\s#]\S*\s+)?(?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]{16,}/

/** Lines of authorized_keys: of the file that is named, else of ~/.ssh/*.pub. Without any there are none. @throws CodedError `SSH_KEY` */
export async function publicKeys(file: string | undefined, home: string = homedir()): Promise<string[]> {
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch((cause: Error) => {
      throw new CodedError({ code: 'SSH_KEY', file }, `--ssh-key: cannot read ${file}: ${cause.message}`, { cause })
    })
    const keys = keysIn(text)
    if (keys.length > 0) return keys
    const refusal = `--ssh-key: ${file} has no public key of SSH; name the file that ends in .pub`
    throw new CodedError({ code: 'SSH_KEY', file }, refusal)
  }
  const folder = join(home, '.ssh')
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.pub')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')))
  return texts.flatMap(keysIn)
}

const keysIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => PUBLIC_KEY.test(line))

/**
 * Makes host keys in `folder`, where this host's ssh-keygen can; where not, the guest makes its own when it boots first.
 * @returns the fingerprint of the first
 */
export async function makeHostKeys(folder: string, name: string): Promise<string | undefined> {
  const program = await installedProgram('ssh-keygen')
  if (program === undefined) return undefined
  const make = async (type: string): Promise<string> => {
    const file = join(folder, `ssh_host_${type}_key`)
    await runTool({ ...program, args: ['-q', '-t', type, '-N', '', '-C', `root@${name}`, '-f', file] })
    return file
  }
  try {
    const file = await make('ed25519')
    await make('ecdsa')
    await make('rsa')
    return (await runTool({ ...program, args: ['-l', '-f', `${file}.pub`] })).split(' ')[1]
  } catch (error) {
    // It makes none for a user whom the host does not know by name.
    if (error instanceof CodedError && error.code === 'TOOL_FAILED') return undefined
    throw error
  }
}
