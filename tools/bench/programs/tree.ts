import { INIT_SCRIPT, MODULE_LIST_PATH } from '../../../apps/xend/src/guest-image/init-script.ts'
import { obtainTree, type TreeRecipe } from '../../userland/debian-tree.ts'

/** Debian's packages with the programs (perl is one that every Debian has); others come as what these need. */
const PACKAGES: readonly string[] = ['busybox-static', 'gcc', 'gzip', 'libc6-dev', 'openssl', 'python3.11', 'sqlite3']
const EXCLUDED: readonly string[] = ['doc', 'info', 'locale', 'man', 'zoneinfo'].map(
  (folder) => `/usr/share/${folder}/*`,
)
/** Large, and used by none of the programs. */
const REMOVED: readonly string[] = [
  'usr/bin/*lto-dump*',
  'usr/lib/gcc/x86_64-linux-gnu/12/lib[alut]*san*',
  'usr/lib/gcc/x86_64-linux-gnu/12/lto1',
  'usr/lib/x86_64-linux-gnu/lib[alut]*san.so*',
  'usr/lib/x86_64-linux-gnu/gconv',
  'usr/lib/locale',
  'usr/lib/x86_64-linux-gnu/perl',
  'usr/share/perl',
  'var/cache/apt/*',
  'var/lib/apt/lists/*',
]
/** In the tree: names and versions of all packages, a line each. */
export const VERSIONS = 'packages.txt'

/** Packs the tree; $1 is the tree, $2 is where the archive goes. */
export const PACK = `set -eu
tree=$1 archive=$2
cd "$tree"
[ -e dev/console ] || mknod -m 600 dev/console c 5 1 || true
chroot . busybox sh -c 'busybox find . -xdev ! -path "./proc/*" ! -path "./sys/*" ! -path "./tmp/*" ! -path "./run/*" ! -path "./dev/*" -o -path ./dev/console | busybox sort | busybox cpio -o -H newc' >"$archive"
`

/** An initramfs of packages whose /init is that of `npm start`'s guest. @param removed paths of what is of no use */
export function programTree(name: string, packages: readonly string[], removed: readonly string[]): TreeRecipe {
  return { name, architectures: ['amd64'], packages, excluded: EXCLUDED, finish: finishWithout(removed) }
}

const finishWithout = (removed: readonly string[]): string => `set -eu
cd "$1"
rm -rf ${removed.join(' ')}
chroot . dpkg-query -W -f '\${Package} \${Version} \${Installed-Size}\\n' >${VERSIONS}
cat >init <<'END'
${INIT_SCRIPT}END
chmod 755 init
mkdir -p bench lib/modules proc sys tmp dev
: >${MODULE_LIST_PATH}
${PACK}`

/** Path of an initramfs with the programs, a newc archive that is not packed; its /init is that of `npm start`'s guest. */
export function obtainPrograms(progress: (line: string) => void): Promise<string> {
  return obtainTree(programTree('bench', PACKAGES, REMOVED), progress)
}

if (import.meta.main) console.log(await obtainPrograms((line) => process.stderr.write(`bench: ${line}\n`)))
