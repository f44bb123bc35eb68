/* Input for programs: text of made-up words, some of them frequent, in lines; the same bytes on every machine. */
#include <stdio.h>

#include "workload.h"

enum { WORDS = 4096, LINE = 72 };

/* Syllables of two letters, two to five of them. */
static int spell(uint32_t word, char *to) {
  static const char first[] = "bdfghklmnprstvwz", second[] = "aeiouyao";
  uint32_t random = word * 2654435761u + 1;
  int syllables = 2 + next_random(&random) % 4, length = 0;
  while (syllables--) {
    uint32_t now = next_random(&random);
    to[length++] = first[now >> 7 & 15];
    to[length++] = second[now >> 13 & 7];
  }
  return length;
}

void write_text(long bytes) {
  uint32_t random = 48271;
  char word[16];
  int column = 0;
  while (bytes > 0) {
    /* The smaller of three numbers: small ones, and so their words, are frequent. */
    uint32_t number = WORDS;
    for (int n = 0; n < 3; n++) {
      uint32_t other = next_random(&random) % WORDS;
      if (other < number) number = other;
    }
    int length = spell(number, word);
    char after = (column += length + 1) > LINE ? '\n' : ' ';
    if (after == '\n') column = 0;
    for (int n = 0; n < length && bytes > 1; n++, bytes--) putchar(word[n]);
    putchar(after);
    bytes--;
  }
}
