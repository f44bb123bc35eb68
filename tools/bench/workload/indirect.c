/* Where the next instruction is data: a bytecode machine, and tiny functions behind pointers. */
#include "workload.h"

enum { ADD, ADD_SMALL, SUBTRACT, MULTIPLY, XOR, SHIFT_RIGHT, LOAD, STORE, MOVE, BRANCH, CALL, RETURN, END };

struct code {
  uint8_t op, to, from, other;
};

/* Registers: 0 counts down, 1 gathers, 2 is a factor, 3 an address, 4 to 6 are for passing, 7 is 1. */
static const struct code program[] = {
    {MOVE, 3, 0, 0},     {STORE, 3, 1, 0},       {ADD_SMALL, 3, 5, 0}, {LOAD, 4, 3, 0},    {CALL, 9, 0, 0},
    {XOR, 1, 6, 0},      {SUBTRACT, 0, 7, 0},    {BRANCH, 0, 0, 0},    {END, 0, 0, 0},
    /* 9: a function of registers 1 and 4 */
    {ADD, 1, 4, 0},      {MULTIPLY, 1, 2, 0},    {MOVE, 6, 1, 0},      {SHIFT_RIGHT, 6, 7, 0}, {RETURN, 0, 0, 0},
};

uint32_t interp(void) {
  uint32_t registers[8] = {4000, 1, 0x85ebca6b, 0, 0, 0, 0, 1}, memory[16] = {0};
  const struct code *stack[8], **top = stack, *at = program;
  for (;;) {
    struct code now = *at++;
    uint32_t *to = &registers[now.to & 7], from = registers[now.from & 7];
    switch (now.op) {
    case ADD: *to += from; break;
    case ADD_SMALL: *to += now.from; break;
    case SUBTRACT: *to -= from; break;
    case MULTIPLY: *to *= from; break;
    case XOR: *to ^= from; break;
    case SHIFT_RIGHT: *to >>= (from + 12) % 32; break;
    case LOAD: *to = memory[from & 15]; break;
    case STORE: memory[*to & 15] = from; break;
    case MOVE: *to = from; break;
    case BRANCH: if (*to) at = program + now.from; break;
    case CALL: *top++ = at; at = program + now.to; break;
    case RETURN: at = *--top; break;
    default: return registers[1];
    }
  }
}

/* 64 functions of two or three instructions each, in one flat table, as a compiler of closures leaves them. */
typedef uint32_t step(uint32_t value, uint32_t *cell);

#define STEP(n)                                                                                         \
  static uint32_t step_##n(uint32_t value, uint32_t *cell) {                                            \
    return (n) % 4 == 0 ? value + *cell                                                                 \
         : (n) % 4 == 1 ? value ^ (value >> ((n) % 13 + 1))                                             \
         : (n) % 4 == 2 ? (*cell = value * ((n) * 2 + 1))                                               \
                        : (value << ((n) % 31 + 1) | value >> (31 - (n) % 31)) + (n);                   \
  }
#define EIGHT(m, n) m(n##0) m(n##1) m(n##2) m(n##3) m(n##4) m(n##5) m(n##6) m(n##7)
#define ALL(m) EIGHT(m, 1) EIGHT(m, 2) EIGHT(m, 3) EIGHT(m, 4) EIGHT(m, 5) EIGHT(m, 6) EIGHT(m, 7) EIGHT(m, 8)
#define ADDRESS(n) step_##n,
ALL(STEP)

uint32_t icall(void) {
  static step *const steps[] = {ALL(ADDRESS)};
  enum { COUNT = sizeof steps / sizeof *steps, LENGTH = 256, ROUNDS = 64 };
  static step *order[LENGTH];
  uint32_t random = 424243, value = 1, cells[4] = {1, 2, 3, 4};
  if (!order[0])
    for (int n = 0; n < LENGTH; n++) order[n] = steps[next_random(&random) % COUNT];
  for (int round = 0; round < ROUNDS; round++)
    for (int n = 0; n < LENGTH; n++) value = order[n](value, &cells[n & 3]);
  return mix(value, cells[0] ^ cells[3]);
}
