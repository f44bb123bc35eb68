/* For Node, which cannot ask for the CPU time of another thread: cpuTime(tid) of a thread of this process, ms. */
#define _GNU_SOURCE
#include <errno.h>
#include <node_api.h>
#include <string.h>
#include <time.h>

/* As pthread_getcpuclockid makes it, which wants a pthread_t (linux/posix-timers.h: CPUCLOCK_PERTHREAD_MASK, CPUCLOCK_SCHED). */
static clockid_t clock_of(int tid) { return (clockid_t)(~(unsigned)tid << 3 | 4 | 2); }

static napi_value cpu_time(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  int32_t tid;
  struct timespec t;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &tid) != napi_ok || clock_gettime(clock_of(tid), &t) != 0) {
    napi_throw_error(env, NULL, strerror(errno));
    return NULL;
  }
  napi_create_double(env, t.tv_sec * 1e3 + t.tv_nsec / 1e6, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value f;
  napi_create_function(env, "cpuTime", NAPI_AUTO_LENGTH, cpu_time, NULL, &f);
  napi_set_named_property(env, exports, "cpuTime", f);
  return exports;
}
