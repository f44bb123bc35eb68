/** A Debian on a disk that was made without root: it boots, is logged in to, and is reached by SSH from this host. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeDebianDisk } from '../../src/disk-image/debian/disk.ts'
import { lineProgress } from '../../src/disk-image/progress.ts'
import { freePort } from '../free-port.ts'
import { SshLogin } from './ssh-login.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const BOOT_MS = 600_000
const GIB = 2 ** 30
let folder: string
let fingerprint: string | undefined
let ssh: SshLogin

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-debian-'))
  ssh = await SshLogin.make(folder)
  const made = await makeDebianDisk(
    {
      path: join(folder, 'disk.img'),
      format: 'raw',
      size: 2 * GIB,
      release: 'bookworm',
      packages: [],
      hostname: 'tester',
      login: 'user',
      password: 'a secret',
      sshKey: ssh.publicKey,
      refresh: false,
    },
    lineProgress(() => {}),
  )
  expect(made.keys).toBe(1)
  fingerprint = made.fingerprint
}, BOOT_MS)
afterAll(() => rm(folder, { recursive: true }))

test(
  'it boots by pygrub to a login, takes its password, and lets in who has the key',
  async () => {
    const port = await freePort()
    const config = join(folder, 'debian.cfg')
    await writeFile(
      config,
      `name = 'debian'\nmemory = 512\nbootloader = 'pygrub'\ndisk = ['file:${folder}/disk.img,xvda,w']\nvif = ['forward=tcp:${port}:22']\n`,
    )
    const guest = spawn(process.execPath, ['--conditions=@paravane/source', MAIN, '--alone', '--config', config])
    const ended = new Promise<number | null>((resolve) => guest.once('close', resolve))
    let [shown, said] = ['', '']
    guest.stdout.on('data', (bytes: Buffer) => {
      shown += bytes.toString()
    })
    guest.stderr.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
    const shows = (text: string): Promise<void> => expect.poll(() => shown + said, { timeout: BOOT_MS }).toContain(text)
    try {
      await shows('tester login: ')
      guest.stdin.write('root\n')
      await shows('Password: ')
      guest.stdin.write('a secret\n')
      await shows('root@tester:~# ')
      const command = 'hostname; id -un; sudo id -un; findmnt -rno FSTYPE,SOURCE /; systemctl --failed --plain -q'
      expect(await ssh.run(port, 'user', command)).toBe('tester\nuser\nroot\next4 /dev/xvda1\n')
      const { keys, fingerprints } = await ssh.hosts()
      expect(fingerprints).toContain(fingerprint ?? 'no fingerprint')
      expect(keys).toContain('ssh-ed25519')
      guest.stdin.write('poweroff\n')
      expect(await ended).toBe(0)
      expect(said).toContain('debian powered off')
    } finally {
      guest.kill('SIGKILL')
      await ended
    }
  },
  BOOT_MS * 2,
)

test(
  'what no Debian can be made of: too small a disk, a release that there is not',
  async () => {
    const request = {
      path: join(folder, 'other.img'),
      format: 'raw' as const,
      size: GIB / 4,
      release: 'bookworm',
      packages: [],
      hostname: 'tester',
      login: 'user',
      password: '',
      refresh: false,
    }
    await expect(
      makeDebianDisk(
        request,
        lineProgress(() => {}),
      ),
    ).rejects.toThrow(
      /^--size: 256\.0 MiB is too small for this Debian; it needs \d\.\d GiB$|^--size: 256\.0 MiB is too small for this Debian; it needs \d+\.0 MiB$/,
    )
    const missing = makeDebianDisk(
      { ...request, release: 'no-such-release' },
      lineProgress(() => {}),
    )
    await expect(missing).rejects.toThrow(
      /^Debian no-such-release could not be installed: .*; is the mirror reachable, and are the release and packages spelt right\?$/,
    )
  },
  BOOT_MS,
)
