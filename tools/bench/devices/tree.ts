import { INIT_SCRIPT, MODULE_LIST_PATH } from '../../../apps/xend/src/guest-image/init-script.ts'
import { obtainTree } from '../../userland/debian-tree.ts'
import { PACK } from '../programs/tree.ts'

const PACKAGES: readonly string[] = ['busybox-static', 'e2fsprogs', 'fio', 'iperf3']
const EXCLUDED: readonly string[] = ['doc', 'info', 'locale', 'man', 'zoneinfo'].map(
  (folder) => `/usr/share/${folder}/*`,
)
/** Large, and used by neither. */
const REMOVED: readonly string[] = [
  'usr/lib/x86_64-linux-gnu/gconv',
  'usr/lib/x86_64-linux-gnu/perl',
  'usr/lib/locale',
  'usr/share/perl',
  'usr/share/fio',
  'var/cache/apt/*',
  'var/lib/apt/lists/*',
]
/** In the tree: names and versions of all packages, a line each. */
export const VERSIONS = 'packages.txt'

const FINISH = `set -eu
cd "$1"
rm -rf ${REMOVED.join(' ')}
chroot . dpkg-query -W -f '\${Package} \${Version}\\n' >${VERSIONS}
cat >init <<'END'
${INIT_SCRIPT}END
chmod 755 init
mkdir -p bench lib/modules proc sys tmp dev
: >${MODULE_LIST_PATH}
${PACK}`

/** Path of an initramfs with the programs, a newc archive that is not packed; its /init is that of `npm start`'s guest. */
export function obtainDeviceTree(progress: (line: string) => void): Promise<string> {
  const recipe = { name: 'devices', architectures: ['amd64'], packages: PACKAGES, excluded: EXCLUDED, finish: FINISH }
  return obtainTree(recipe, progress)
}

if (import.meta.main) console.log(await obtainDeviceTree((line) => process.stderr.write(`bench: ${line}\n`)))
