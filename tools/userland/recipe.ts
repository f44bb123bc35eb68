/** What is in the Debian userland: packages, what is left out of them, and what a shell does to the tree before it is packed. */

export const SUITE = 'bookworm'

/** Installed with what they depend on. */
export const PACKAGES: readonly string[] = [
  'bash',
  'busybox-static',
  'gcc',
  'gcc-multilib',
  'kmod',
  'libc6-dev',
  'libpython3.11-testsuite',
  'make',
  'openssl',
  'perl',
  'procps',
  'python3.11',
  'stress-ng',
  // Libraries of the programs below.
  'libc6:i386',
  'libexpat1:i386',
  'libperl5.36:i386',
  'libpython3.11-stdlib:i386',
  'libssl3:i386',
  'zlib1g:i386',
]

/** Their 64-bit namesakes are installed, so only their programs are taken, into /opt/i386. */
const PACKAGES_I386: readonly string[] = ['busybox-static', 'openssl', 'perl-base', 'python3.11-minimal']

/** None of Debian's perl packages ships a test: perl's core tests are the folder t/ of its source package. */
const PERL_SOURCE = 'perl'

export const EXCLUDED_BY_DPKG: readonly string[] = ['doc', 'info', 'locale', 'man'].map(
  (folder) => `/usr/share/${folder}/*`,
)

/** Large, and of no use to any job. */
const REMOVED: readonly string[] = [
  'usr/bin/*lto-dump*',
  'usr/lib/gcc/x86_64-linux-gnu/12/lib[alut]*san*',
  'usr/lib/gcc/x86_64-linux-gnu/12/lto1',
  'usr/lib/gcc/x86_64-linux-gnu/12/x32',
  'usr/lib/x86_64-linux-gnu/lib[alut]*san.so*',
  'usr/libx32',
  'usr/share/X11',
  'var/cache/apt/*',
  'var/lib/apt/lists/*',
]

/** PID 1: mounts, says that it is ready, and runs the jobs whose names it reads from the console. */
const INIT = `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
busybox mount -t devpts devpts /dev/pts
busybox mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
busybox ifconfig lo 127.0.0.1 up
ulimit -c 0
stty -echo
exec bash /jobs/serve
`

/** One shell script, given to mmdebstrap; $1 is the tree, $2 is where the archive goes. */
export const FINISH = `set -eu
tree=$1 archive=$2
scratch=$tree/tmp/scratch
mkdir -p "$scratch"
cd "$scratch"
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download ${PACKAGES_I386.map((name) => `${name}:i386`).join(' ')}
for deb in *.deb; do dpkg-deb -x "$deb" i386; done
mkdir -p "$tree/opt/i386/bin"
cp i386/usr/bin/* i386/bin/* "$tree/opt/i386/bin/"
cp -a i386/usr/lib/i386-linux-gnu/. "$tree/usr/lib/i386-linux-gnu/"
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq --download-only source ${PERL_SOURCE}
tar -xf ${PERL_SOURCE}_*.orig.tar.xz
mkdir -p "$tree/opt/perl"
for part in t lib regen MANIFEST; do cp -a ${PERL_SOURCE}-*/$part "$tree/opt/perl/"; done
# Tests see ../lib only and start ./perl: modules as they are installed, and the program.
for modules in usr/lib/x86_64-linux-gnu/perl-base usr/lib/x86_64-linux-gnu/perl/5.36.0 usr/share/perl/5.36.0; do
  (cd "$tree/$modules" && find . -name '*.t' -prune -o ! -type d -print) | while read -r file; do
    mkdir -p "$tree/opt/perl/lib/\${file%/*}"
    ln -sf "/$modules/$file" "$tree/opt/perl/lib/$file"
  done
done
ln -s /usr/bin/perl "$tree/opt/perl/t/perl"
cd "$tree"
rm -rf "$scratch" ${REMOVED.join(' ')}
cat >init <<'END'
${INIT}END
chmod 755 init
mkdir -p jobs proc sys
[ -e dev/console ] || mknod -m 600 dev/console c 5 1 || true
chroot . busybox sh -c 'busybox find . -xdev ! -path "./proc/*" ! -path "./sys/*" ! -path "./tmp/*" ! -path "./run/*" ! -path "./dev/*" -o -path ./dev/console | busybox sort | busybox cpio -o -H newc' >"$archive"
`
