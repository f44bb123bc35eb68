/* Doubles: scalar SSE2 as compilers emit it, and one kernel of packed ones. No function of libm but sqrt, which is exact. */
#include <emmintrin.h>
#include <math.h>
#include <string.h>

#include "workload.h"

/* Of the numbers' bits. */
static uint32_t checksum_of_doubles(const double *numbers, int count) {
  uint64_t words[64];
  uint32_t sum = 0;
  for (int n = 0; n < count; n += 64) {
    int now = count - n < 64 ? count - n : 64;
    memcpy(words, numbers + n, now * sizeof *words);
    sum = mix(sum, checksum_of(words, now));
  }
  return sum;
}

/* 64 x 64 product, the plain three loops. */
static uint32_t matmul(void) {
  enum { N = 64 };
  static double a[N][N], b[N][N], c[N][N];
  if (a[0][0] == 0)
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) a[i][j] = 1 + (3 * i + 5 * j) % 17 * 0.25, b[i][j] = (7 * i + j) % 13 * 0.5 - 2;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  return checksum_of_doubles(c[N / 2], N);
}

/* Five bodies that attract each other, 500 steps: square roots and divisions. */
static uint32_t nbody(void) {
  enum { BODIES = 5, STEPS = 500 };
  struct { double at[3], speed[3], mass; } body[BODIES];
  for (int n = 0; n < BODIES; n++) {
    body[n].mass = n == 0 ? 40 : 0.01 * n;
    for (int k = 0; k < 3; k++) {
      body[n].at[k] = n * (k == 0 ? 5 : k == 1 ? -0.3 : 0.1);
      body[n].speed[k] = n == 0 ? 0 : k == 1 ? 2.8 / n : 0.02 * k;
    }
  }
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < BODIES; i++)
      for (int j = i + 1; j < BODIES; j++) {
        double d[3], square = 1e-9;
        for (int k = 0; k < 3; k++) d[k] = body[i].at[k] - body[j].at[k], square += d[k] * d[k];
        double pull = 0.001 / (square * sqrt(square));
        for (int k = 0; k < 3; k++) {
          body[i].speed[k] -= d[k] * body[j].mass * pull;
          body[j].speed[k] += d[k] * body[i].mass * pull;
        }
      }
    for (int i = 0; i < BODIES; i++)
      for (int k = 0; k < 3; k++) body[i].at[k] += 0.001 * body[i].speed[k];
  }
  uint32_t sum = 0;
  for (int n = 0; n < BODIES; n++) sum = mix(sum, checksum_of_doubles(body[n].at, 3));
  return sum;
}

/* Iterations until z*z + c leaves the circle, on 64 x 64 points. */
static uint32_t mandel(void) {
  enum { SIDE = 64, MOST = 100 };
  uint32_t sum = 0;
  for (int row = 0; row < SIDE; row++)
    for (int column = 0; column < SIDE; column++) {
      double cx = column * (3.0 / SIDE) - 2.2, cy = row * (2.5 / SIDE) - 1.25, x = 0, y = 0;
      uint32_t n = 0;
      for (; n < MOST && x * x + y * y < 4; n++) {
        double next = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = next;
      }
      sum = mix(sum, n);
    }
  return sum;
}

/* Transform of 1024 complex numbers in place, radix 2. */
static uint32_t fft(void) {
  enum { BITS = 10, N = 1 << BITS };
  static double input[N], re[N], im[N];
  uint32_t random = 65537;
  for (int n = 0; n < N && input[N - 1] == 0; n++) {
    int to = 0; /* bits reversed */
    for (int bit = 0; bit < BITS; bit++) to |= (n >> bit & 1) << (BITS - 1 - bit);
    input[to] = (int32_t)next_random(&random) * 0x1p-31;
  }
  memcpy(re, input, sizeof re);
  memset(im, 0, sizeof im);
  double cosine = -1, sine = 0; /* of the angle between two factors of a stage: pi, then half of it each time */
  for (int half = 1; half < N; half *= 2) {
    double wr = 1, wi = 0;
    for (int k = 0; k < half; k++) {
      for (int n = k; n < N; n += 2 * half) {
        double tr = wr * re[n + half] - wi * im[n + half], ti = wr * im[n + half] + wi * re[n + half];
        re[n + half] = re[n] - tr, im[n + half] = im[n] - ti;
        re[n] += tr, im[n] += ti;
      }
      double next = wr * cosine + wi * sine;
      wi = wi * cosine - wr * sine;
      wr = next;
    }
    sine = half == 1 ? 1 : sqrt((1 - cosine) / 2);
    cosine = half == 1 ? 0 : sqrt((1 + cosine) / 2);
  }
  return mix(checksum_of_doubles(re, N), checksum_of_doubles(im, N));
}

/* Two doubles at a time: y = a * x + y over 2048 numbers, and a dot product. */
static uint32_t packed(void) {
  enum { N = 2048 };
  static double x[N] __attribute__((aligned(16))), y[N] __attribute__((aligned(16)));
  for (int n = 0; n < N; n++) x[n] = n * 0.125 - 90, y[n] = 1 + (n & 7);
  __m128d sum = _mm_setzero_pd();
  for (int round = 0; round < 8; round++) {
    __m128d a = _mm_set1_pd(0.5 - round * 0.0625);
    for (int n = 0; n < N; n += 2) {
      __m128d now = _mm_add_pd(_mm_mul_pd(a, _mm_load_pd(x + n)), _mm_load_pd(y + n));
      _mm_store_pd(y + n, now);
      sum = _mm_add_pd(sum, _mm_mul_pd(now, _mm_shuffle_pd(now, now, 1)));
    }
  }
  double parts[3] = {0, 0, y[N - 1]};
  _mm_storeu_pd(parts, sum);
  return checksum_of_doubles(parts, 3);
}

const struct kernel float_kernels[] = {
    {"matmul", "fp", matmul}, {"nbody", "fp", nbody},   {"mandel", "fp", mandel},
    {"fft", "fp", fft},       {"packed", "fp", packed}, {0},
};
