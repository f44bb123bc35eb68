/* For the compiler: the same algorithms over several types, many times. It is compiled and never run. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOR_TYPE(T, N)                                                                                          \
  struct node_##N { T key; struct node_##N *left, *right; uint32_t count; };                                    \
  static struct node_##N *insert_##N(struct node_##N *at, T key) {                                              \
    if (!at) {                                                                                                  \
      at = calloc(1, sizeof *at);                                                                               \
      if (at) at->key = key;                                                                                    \
    } else if (key < at->key) at->left = insert_##N(at->left, key);                                             \
    else if (key > at->key) at->right = insert_##N(at->right, key);                                             \
    else at->count++;                                                                                           \
    return at;                                                                                                  \
  }                                                                                                             \
  static void sift_##N(T *heap, size_t at, size_t count) {                                                      \
    for (size_t child; (child = 2 * at + 1) < count; at = child) {                                              \
      if (child + 1 < count && heap[child] < heap[child + 1]) child++;                                          \
      if (!(heap[at] < heap[child])) return;                                                                    \
      T kept = heap[at];                                                                                        \
      heap[at] = heap[child], heap[child] = kept;                                                               \
    }                                                                                                           \
  }                                                                                                             \
  void sort_##N(T *numbers, size_t count) {                                                                     \
    for (size_t n = count / 2; n--;) sift_##N(numbers, n, count);                                               \
    for (size_t n = count; n-- > 1;) {                                                                          \
      T kept = numbers[0];                                                                                      \
      numbers[0] = numbers[n], numbers[n] = kept;                                                               \
      sift_##N(numbers, 0, n);                                                                                  \
    }                                                                                                           \
  }                                                                                                             \
  T product_##N(const T a[8][8], const T b[8][8], T c[8][8]) {                                                  \
    T trace = 0;                                                                                                \
    for (int i = 0; i < 8; i++)                                                                                 \
      for (int j = 0; j < 8; j++) {                                                                             \
        T sum = 0;                                                                                              \
        for (int k = 0; k < 8; k++) sum += a[i][k] * b[k][j];                                                   \
        c[i][j] = sum;                                                                                          \
        if (i == j) trace += sum;                                                                               \
      }                                                                                                         \
    return trace;                                                                                               \
  }                                                                                                             \
  size_t parse_##N(const char *text, T *out, size_t most) {                                                     \
    size_t count = 0;                                                                                           \
    while (*text && count < most) {                                                                             \
      switch (*text) {                                                                                          \
      case ' ': case '\t': case ',': text++; continue;                                                          \
      case '-': out[count++] = (T)-strtol(text + 1, (char **)&text, 10); break;                                 \
      case '0' ... '9': out[count++] = (T)strtol(text, (char **)&text, 0); break;                               \
      case '"': {                                                                                               \
        const char *end = strchr(++text, '"');                                                                  \
        if (!end) return count;                                                                                 \
        out[count++] = (T)(end - text);                                                                         \
        text = end + 1;                                                                                         \
        break;                                                                                                  \
      }                                                                                                         \
      default: fprintf(stderr, "%s: %.10s\n", #N, text); return count;                                          \
      }                                                                                                         \
    }                                                                                                           \
    return count;                                                                                               \
  }                                                                                                             \
  double spread_##N(const T *numbers, size_t count) {                                                           \
    double sum = 0, squares = 0;                                                                                \
    struct node_##N *root = 0;                                                                                  \
    for (size_t n = 0; n < count; n++) {                                                                        \
      sum += (double)numbers[n], squares += (double)numbers[n] * (double)numbers[n];                            \
      root = insert_##N(root, numbers[n]);                                                                      \
    }                                                                                                           \
    return root && count > 1 ? sqrt((squares - sum * sum / count) / (count - 1)) : 0;                           \
  }

FOR_TYPE(int8_t, i8)
FOR_TYPE(uint16_t, u16)
FOR_TYPE(int32_t, i32)
FOR_TYPE(uint64_t, u64)
FOR_TYPE(float, f32)
FOR_TYPE(double, f64)
