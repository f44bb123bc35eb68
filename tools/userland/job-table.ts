/** What a Debian userland has to get right. Each program judges itself, by its exit status and what it says in the end. */
import type { Job } from './job.ts'
import { faults, opensslTest, program, stress } from './scripts.ts'

/** Modules of CPython's own tests (libpython3.11-testsuite), s each may take. */
const PYTHON_TESTS: readonly (readonly [string, number])[] = [
  ['int', 300],
  ['long', 900],
  ['float', 300],
  ['math', 600],
  ['cmath', 300],
  ['struct', 300],
  ['array', 600],
  ['hashlib', 600],
  ['zlib', 600],
  ['re', 600],
  ['json', 900],
  ['decimal', 1800],
  ['random', 900],
  ['unicode', 600],
  ['ctypes', 900],
  ['threading', 1200],
  ['subprocess', 1800],
  ['signal', 900],
  ['mmap', 300],
]
/** Those that a 32-bit python runs too: what its arithmetic and its system calls have to do with. */
const PYTHON_TESTS_I386: readonly string[] =
  'int long float math cmath struct array zlib json ctypes signal mmap'.split(' ')

/** Tests that fail or cannot start on real hardware in the same tree. The pattern is of regrtest's `--ignore`. */
const PYTHON_IGNORED: readonly { readonly test: string; readonly pattern: string; readonly reason: string }[] = []

const python = (program: string, test: string): string => {
  const ignored = PYTHON_IGNORED.filter((one) => one.test === test).map(({ pattern }) => ` -i '${pattern}'`)
  return `${program} -m test${ignored.join('')} test_${test}`
}
const PYTHON_SAYS = /^Tests result: SUCCESS$/m

/** Folders of perl's core tests, and s for all of a folder. */
const PERL_FOLDERS: readonly (readonly [string, number])[] = [
  ['base', 120],
  ['cmd', 300],
  ['comp', 600],
  ['io', 1200],
  ['mro', 600],
  ['lib', 1200],
  ['uni', 1200],
  ['re', 5400],
  ['op', 3600],
]
/** Left out, as they fail on real hardware in the same tree. */
const PERL_LEFT_OUT: Readonly<Record<string, string>> = {
  'op/goto_xs.t': 'needs XS::APItest, which no package has',
  'op/threads-dirh.t':
    "Debian's security update shares the position of a cloned directory handle; the test is of the source before it",
  're/uniprops*.t': 'needs lib/unicore/TestProp.pl, which a build of perl makes',
}

const perl = (folder: string): string => {
  const leftOut = Object.keys(PERL_LEFT_OUT).filter((path) => path.startsWith(`${folder}/`))
  return `cd /opt/perl/t
ls ${folder}/*.t ${leftOut.map((path) => `| grep -v '^${path.replaceAll('.', '\\.').replaceAll('*', '.*')}$'`).join(' ')} >/tmp/tests
# Jobs have no controlling terminal.
PERL_SKIP_TTY_TEST=1 prove - </tmp/tests 2>&1 | grep -v -E '\\. (ok|skipped)'`
}

/** What `openssl speed` times in under two minutes; of each call, it takes one algorithm by the name of its EVP_CIPHER. */
const SPEED = [
  '-evp aes-256-gcm',
  '-evp chacha20-poly1305',
  'md5 sha1 sha256 sha512 aes-128-cbc aes-256-cbc rsa2048 ecdsap256 ed25519 ecdhx25519',
]

/** How long the stressors of all four classes together run, s. With 1 s for each, some have not begun when it is over. */
export const STRESS_SECONDS = { full: 600, short: 340 } as const
/** As many as `stress-ng --class cpu,interrupt,memory,vm` starts, one after the other. */
const STRESSORS = 170

export function jobs(short: boolean): readonly Job[] {
  const stressSeconds = Math.max(1, Math.round(STRESS_SECONDS[short ? 'short' : 'full'] / STRESSORS))
  return [
    { name: 'gcc', limit: 300, script: program(''), shows: /^a b c 60\.\d+ \d+ 8$/m },
    { name: 'gcc-m32', limit: 300, script: program('-m32'), shows: /^a b c 60\.\d+ \d+ 4$/m },
    { name: 'faults', limit: 300, script: faults('amd64', '') },
    { name: 'faults-i386', limit: 300, script: faults('i386', '-m32 -msse2') },
    { name: 'openssl-test', limit: 900, script: opensslTest('openssl'), shows: /^every check passed$/m },
    {
      name: 'openssl-test-i386',
      limit: 900,
      script: opensslTest('/opt/i386/bin/openssl'),
      shows: /^every check passed$/m,
    },
    {
      name: 'openssl-speed',
      limit: 900,
      script: SPEED.map((algorithms) => `openssl speed -seconds 1 ${algorithms} 2>&1\n`).join(''),
      shows: /253 bits EdDSA .Ed25519/,
    },
    ...PYTHON_TESTS.map(
      ([test, limit]): Job => ({
        name: `python-${test}`,
        limit,
        script: python('python3.11', test),
        shows: PYTHON_SAYS,
      }),
    ),
    ...PYTHON_TESTS.filter(([test]) => PYTHON_TESTS_I386.includes(test)).map(
      ([test, limit]): Job => ({
        name: `python-i386-${test}`,
        limit: limit * 2,
        script: python('/opt/i386/bin/python3.11', test),
        shows: PYTHON_SAYS,
      }),
    ),
    ...PERL_FOLDERS.map(
      ([folder, limit]): Job => ({
        name: `perl-${folder}`,
        limit,
        script: perl(folder),
        shows: /^Result: PASS$/m,
      }),
    ),
    {
      name: 'stress',
      limit: stressSeconds * STRESSORS * 3 + 300,
      script: stress('cpu,interrupt,memory,vm', stressSeconds),
      shows: /run completed/,
    },
  ]
}
