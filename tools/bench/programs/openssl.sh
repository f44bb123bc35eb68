# Key derivation, a primality test of a number of 1279 bits, ciphers and digests. The key and the vector are no secret.
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
vector=000102030405060708090a0b0c0d0e0f
openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:word -kdfopt salt:grain -kdfopt iter:400000 PBKDF2
openssl prime -hex 7$(printf 'f%.0s' $(seq 319))
openssl enc -aes-256-cbc -K $key -iv $vector -in text | openssl dgst -sha512 -r
openssl enc -chacha20 -K $key -iv $vector -in text | openssl dgst -sha3-256 -r
