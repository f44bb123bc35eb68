/** What the jobs that are no test suite of their own do. */
import { readFileSync } from 'node:fs'

const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

const PROGRAM = `cat >program.c <<'END'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int order(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(int argc, char **argv) {
  double sum = 0;
  for (int i = 1; i <= 1000; i++) sum += sqrt(i) / (i + 1.0L);
  qsort(argv + 1, argc - 1, sizeof *argv, order);
  for (int i = 1; i < argc; i++) printf("%s ", argv[i]);
  printf("%.12f %lld %zu\\n", sum, 1LL << (argc + 40), sizeof(void *));
}
END
`
export const program = (flags: string): string =>
  `${PROGRAM}gcc -O2 -Wall ${flags} -o program program.c -lm && ./program c b a`

/** Signals of refused accesses: `architecture` names what real hardware answers, in faults/. */
export const faults = (architecture: 'amd64' | 'i386', flags: string): string => `cat >faults.c <<'END'
${textOf('faults/faults.c')}END
cat >expected <<'END'
${textOf(`faults/${architecture}.txt`)}END
gcc -O1 -mno-red-zone ${flags} -o faults faults.c
./faults >shown
diff expected shown
`

/** Known answers (FIPS 180-4, FIPS 202, RFC 1321, FIPS 197), ciphers there and back, signatures that fail when they should, TLS. */
export const opensslTest = (openssl: string): string => `
is() { [ "$1" = "$2" ] || { echo "$3: $1 and not $2"; exit 1; }; }
digest() { is "$(printf abc | ${openssl} dgst -"$1" -r | cut -d' ' -f1)" "$2" "$1"; }
digest md5 900150983cd24fb0d6963f7d28e17f72
digest sha1 a9993e364706816aba3e25717850c26c9cd0d89d
digest sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
digest sha512 ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
digest sha3-256 3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532
printf '\\x00\\x11\\x22\\x33\\x44\\x55\\x66\\x77\\x88\\x99\\xaa\\xbb\\xcc\\xdd\\xee\\xff' >block
is "$(${openssl} enc -aes-128-ecb -nopad -K 000102030405060708090a0b0c0d0e0f -in block | od -An -v -tx1 | tr -d ' \\n')" \
  69c4e0d86a7b0430d8cdb78070b4c55a aes-128-ecb
head -c 100003 /bin/bash >plain
for cipher in aes-128-cbc aes-192-cbc aes-256-cbc aes-128-ctr aes-256-ctr aes-256-cfb aes-256-ofb aria-256-ctr camellia-256-cbc chacha20 des-ede3-cbc sm4-ctr; do
  ${openssl} enc -$cipher -pbkdf2 -iter 100 -pass pass:word -in plain -out secret
  # The same key without any instruction that a processor may lack.
  OPENSSL_ia32cap=0 ${openssl} enc -d -$cipher -pbkdf2 -iter 100 -pass pass:word -in secret -out back
  cmp plain back
  ! cmp -s plain secret
done
for digest in md5 sha1 sha224 sha256 sha384 sha512 sha3-512 blake2b512 blake2s256 sm3 ripemd160; do
  is "$(${openssl} dgst -$digest -r plain)" "$(OPENSSL_ia32cap=0 ${openssl} dgst -$digest -r plain)" $digest
done
sign() {
  ${openssl} genpkey -out key "$@" 2>/dev/null
  ${openssl} pkey -in key -pubout -out public
  head -c 32 plain >small
  ${openssl} pkeyutl -sign -inkey key -rawin -in small -out signature $raw 2>/dev/null
  ${openssl} pkeyutl -verify -pubin -inkey public -rawin -in small -sigfile signature
  head -c 32 secret >other
  ! ${openssl} pkeyutl -verify -pubin -inkey public -rawin -in other -sigfile signature
}
sign -algorithm RSA -pkeyopt rsa_keygen_bits:2048
sign -algorithm EC -pkeyopt ec_paramgen_curve:P-256
sign -algorithm EC -pkeyopt ec_paramgen_curve:P-521
sign -algorithm ED25519
sign -algorithm ED448
${openssl} prime 170141183460469231731687303715884105727 | grep 'is prime'
${openssl} prime 170141183460469231731687303715884105729 | grep 'is not prime'
${openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out certificate -subj /CN=here 2>/dev/null
for version in tls1_2 tls1_3; do
  ${openssl} s_server -www -accept 4433 -key key -cert certificate >/dev/null 2>&1 &
  server=$!
  for try in 1 2 3 4 5 6 7 8 9; do
    ${openssl} s_client -$version -brief -CAfile certificate -connect 127.0.0.1:4433 </dev/null >said 2>&1 && break
    sleep $try
  done
  grep '^Verification: OK' said || { cat said; exit 1; }
  kill $server 2>/dev/null || true
  wait $server || true
done
echo every check passed
`

/** They fail on real hardware in the same tree. */
const STRESSORS_LEFT_OUT = ['physpage']

/** No stressor may find a wrong result; what it cannot do in this kernel it skips. */
export const stress = (classes: string, seconds: number): string => `
stress-ng -v --class ${classes} --exclude ${STRESSORS_LEFT_OUT.join(',')} --sequential 1 --timeout ${seconds} --verify --oomable >log 2>&1 || status=$?
grep -v -E 'debug:|metrc:|dispatching|setting to a|skipped' log | tail -40
grep -E 'stress-ng: (fail|error):|on signal' log || true
[ "\${status:-0}" != 2 ] && ! grep -q 'stress-ng: fail:' log
`
