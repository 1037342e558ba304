/* The machine's ceilings: FMA, memory bandwidth, exponentials.
 *
 * Every thread is pinned, all start together behind a spinning barrier, and a sample counts from the first start to
 * the last end. A sample is set aside when one of its threads was preempted, or when the threads overlapped for
 * less than nine tenths of it. Vector width follows the processor: 16, 8 or 4 lanes. */
#define _GNU_SOURCE
#include "cbench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#define SAMPLES 48
#define WARM_UP 2
#define MAX_THREADS 64

typedef float v4 __attribute__((vector_size(16)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef int32_t i8 __attribute__((vector_size(32)));
typedef int32_t i16 __attribute__((vector_size(64)));

#if defined(__x86_64__)
#define WIDE __attribute__((noinline, target("arch=x86-64-v4")))
#define HALF __attribute__((noinline, target("arch=x86-64-v3")))
#endif
#define PLAIN __attribute__((noinline))

/* Without FMA in the instruction set the builtin is a call of the C library. */
#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define APART(a, b, c) ((a) * (b) + (c))

/* ---- loops, one set a vector width ------------------------------------------------------------------------- */

/* Independent chains enough to hide the latency of 4 cycles on two units, few enough for the register file. */
#define LOOPS(suffix, attribute, MADD, V, I, lanes, chains)                                                       \
    attribute static float fma_##suffix(size_t n)                                                              \
    {                                                                                                          \
        V r[chains];                                                                                           \
        const V a = (V){ 0 } + 0.9999f, b = (V){ 0 } + 1e-5f;                                                  \
        for (int c = 0; c < chains; ++c) r[c] = (V){ 0 } + (float)c;                                           \
        for (size_t i = 0; i < n; ++i) {                                                                       \
            _Pragma("clang loop unroll(full)") for (int c = 0; c < chains; ++c)                                \
                r[c] = MADD(r[c], a, b);                                                  \
        }                                                                                                      \
        for (int c = 1; c < chains; ++c) r[0] += r[c];                                                         \
        return r[0][0] + r[0][lanes - 1];                                                                      \
    }                                                                                                          \
    attribute static void triad_##suffix(float *restrict a, const float *restrict b, const float *restrict c,  \
                                         size_t n)                                                             \
    {                                                                                                          \
        const V s = (V){ 0 } + 3.0f;                                                                           \
        for (size_t i = 0; i < n; i += lanes * 4)                                                              \
            _Pragma("clang loop unroll(full)") for (size_t u = 0; u < 4; ++u)                                  \
            {                                                                                                  \
                const size_t k = i + u * lanes;                                                                \
                *(V *)(a + k) = MADD(s, *(const V *)(c + k), *(const V *)(b + k));        \
            }                                                                                                  \
    }                                                                                                          \
    attribute static void triad_nt_##suffix(float *restrict a, const float *restrict b,                        \
                                            const float *restrict c, size_t n)                                 \
    {                                                                                                          \
        const V s = (V){ 0 } + 3.0f;                                                                           \
        for (size_t i = 0; i < n; i += lanes * 4)                                                              \
            _Pragma("clang loop unroll(full)") for (size_t u = 0; u < 4; ++u)                                  \
            {                                                                                                  \
                const size_t k = i + u * lanes;                                                                \
                const V v = MADD(s, *(const V *)(c + k), *(const V *)(b + k));            \
                __builtin_nontemporal_store(v, (V *)(a + k));                                                  \
            }                                                                                                  \
        __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                               \
    }                                                                                                          \
    attribute static float read_##suffix(const float *b, size_t n)                                             \
    {                                                                                                          \
        V r[8];                                                                                                \
        for (int c = 0; c < 8; ++c) r[c] = (V){ 0 };                                                           \
        for (size_t i = 0; i < n; i += lanes * 8)                                                              \
            _Pragma("clang loop unroll(full)") for (size_t u = 0; u < 8; ++u) r[u] +=                          \
                *(const V *)(b + i + u * lanes);                                                               \
        for (int c = 1; c < 8; ++c) r[0] += r[c];                                                              \
        return r[0][0] + r[0][lanes - 1];                                                                      \
    }                                                                                                          \
    /* e^x = 2^k p(x - k ln 2) with the polynomial of degree 6 of the Taylor series: this loop states what the */ \
    /* units can do, so its accuracy (about 1e-6) matters less than its shape. */                              \
    attribute static void exp_##suffix(const float *restrict x, float *restrict y, size_t n)                   \
    {                                                                                                          \
        for (size_t i = 0; i < n; i += lanes * 2)                                                              \
            _Pragma("clang loop unroll(full)") for (size_t u = 0; u < 2; ++u)                                  \
            {                                                                                                  \
                const V v = *(const V *)(x + i + u * lanes);                                                   \
                /* Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits. */           \
                const V shifted = MADD(v, (V){ 0 } + 1.44269504f, (V){ 0 } + 12582912.0f); \
                const V k = shifted - 12582912.0f;                                                             \
                V r = MADD(k, (V){ 0 } - 0.693359375f, v);                                \
                r = MADD(k, (V){ 0 } + 2.12194440e-4f, r);                                \
                V p = (V){ 0 } + 1.0f / 720;                                                                   \
                p = MADD(p, r, (V){ 0 } + 1.0f / 120);                                    \
                p = MADD(p, r, (V){ 0 } + 1.0f / 24);                                     \
                p = MADD(p, r, (V){ 0 } + 1.0f / 6);                                      \
                p = MADD(p, r, (V){ 0 } + 0.5f);                                          \
                p = MADD(p, r, (V){ 0 } + 1.0f);                                          \
                p = MADD(p, r, (V){ 0 } + 1.0f);                                          \
                *(V *)(y + i + u * lanes) = (V)((I)p + ((I)shifted << 23));                                    \
            }                                                                                                  \
    }

#ifdef WIDE
LOOPS(wide, WIDE, FUSED, v16, i16, 16, 16)
LOOPS(half, HALF, FUSED, v8, i8, 8, 12)
#endif
LOOPS(plain, PLAIN, APART, v4, i4, 4, 12)

struct loops {
    float (*fma)(size_t);
    void (*triad)(float *restrict, const float *restrict, const float *restrict, size_t);
    void (*triad_nt)(float *restrict, const float *restrict, const float *restrict, size_t);
    float (*read)(const float *, size_t);
    void (*exp)(const float *restrict, float *restrict, size_t);
    double flops_a_round;
};

#define TABLE(suffix, lanes, chains)                                                                           \
    { fma_##suffix, triad_##suffix, triad_nt_##suffix, read_##suffix, exp_##suffix, 2.0 * (lanes) * (chains) }

static struct loops loops_here(void)
{
#ifdef WIDE
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        return (struct loops)TABLE(wide, 16, 16);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return (struct loops)TABLE(half, 8, 12);
#endif
    return (struct loops)TABLE(plain, 4, 12);
}

/* ---- samples ----------------------------------------------------------------------------------------------- */

enum what { FMA, STREAM, EXP };

struct run {
    enum what what;
    bench_stream kind;
    struct loops loops;
    size_t bytes;          /* a thread */
    int threads;
    int count, generation; /* of the barrier */
    int error;
    double begin[MAX_THREADS][SAMPLES], end[MAX_THREADS][SAMPLES];
    char dirty[MAX_THREADS][SAMPLES];
    double work[MAX_THREADS]; /* a sample: operations, bytes or exponentials */
};

struct member {
    struct run *run;
    int id;
};

static volatile float sink;

static void wait_for_all(struct run *run)
{
    const int now = __atomic_load_n(&run->generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&run->count, 1, __ATOMIC_ACQ_REL) == run->threads) {
        __atomic_store_n(&run->count, 0, __ATOMIC_RELAXED);
        __atomic_add_fetch(&run->generation, 1, __ATOMIC_ACQ_REL);
        return;
    }
    while (__atomic_load_n(&run->generation, __ATOMIC_ACQUIRE) == now) {
#ifdef __x86_64__
        __builtin_ia32_pause();
#endif
    }
}

static long thread_preemptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static void pin_to(int id)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    int seen = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed) || seen++ != id) continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        return;
    }
}

static void *member(void *argument)
{
    const struct member *me = argument;
    struct run *run = me->run;
    pin_to(me->id);

    /* Three arrays a thread, staggered so that they do not fall on one cache set. */
    const size_t floats = run->bytes / sizeof(float) / 3 / 512 * 512;
    const size_t stagger = 1088 / sizeof(float);
    const size_t total = 3 * (floats + 3 * stagger) * sizeof(float);
    float *memory = NULL;
    if (run->what != FMA) {
        memory = bench_map(total);
        if (!memory) __atomic_store_n(&run->error, ENOMEM, __ATOMIC_RELAXED);
    }
    wait_for_all(run);
    if (__atomic_load_n(&run->error, __ATOMIC_RELAXED)) {
        bench_unmap(memory, total);
        return NULL;
    }

    float *a = memory, *b = memory ? a + floats + stagger : NULL, *c = memory ? b + floats + stagger : NULL;
    for (size_t i = 0; memory && i < floats; ++i) {
        a[i] = 0;
        b[i] = 1e-3f * (float)(i % 1000);
        c[i] = 1e-4f;
    }

    /* A sample lasts about a millisecond or more. DRAM: a window that moves through the array. */
    const size_t window = floats > ((size_t)4 << 20) ? (size_t)2 << 20 : floats;
    const size_t rounds = run->what == FMA ? 100000 : floats > ((size_t)4 << 20) ? 1 : 4000000 / (floats + 1) + 1;
    run->work[me->id] = run->what == FMA   ? run->loops.flops_a_round * (double)rounds
                        : run->what == EXP ? (double)window * (double)rounds
                                           : (double)window * (double)rounds * (run->kind == BENCH_READ ? 4 : 12);
    size_t offset = 0;
    for (int s = -WARM_UP; s < SAMPLES; ++s) {
        offset = offset + 2 * window <= floats ? offset + window : 0;
        wait_for_all(run);
        const long before = thread_preemptions();
        const double begin = bench_seconds();
        if (run->what == FMA) {
            sink = run->loops.fma(rounds);
        } else {
            for (size_t r = 0; r < rounds; ++r) {
                if (run->what == EXP) run->loops.exp(b + offset, a + offset, window);
                else if (run->kind == BENCH_READ) sink = run->loops.read(b + offset, window);
                else if (run->kind == BENCH_TRIAD) run->loops.triad(a + offset, b + offset, c + offset, window);
                else run->loops.triad_nt(a + offset, b + offset, c + offset, window);
                __asm__ volatile("" ::: "memory");
            }
        }
        const double end = bench_seconds();
        if (s < 0) continue;
        run->begin[me->id][s] = begin;
        run->end[me->id][s] = end;
        run->dirty[me->id][s] = thread_preemptions() != before;
    }
    bench_unmap(memory, total);
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(struct run *run, bench_rate *rate)
{
    pthread_t threads[MAX_THREADS];
    struct member members[MAX_THREADS];
    int error = 0, started = 0;
    for (; started < run->threads; ++started) {
        members[started] = (struct member){ run, started };
        error = pthread_create(&threads[started], NULL, member, &members[started]);
        if (error) break;
    }
    if (error) return error; /* the threads that started wait for the rest for ever; the caller reports and exits */
    for (int t = 0; t < started; ++t) pthread_join(threads[t], NULL);
    if (run->error) return run->error;

    double clean[SAMPLES], every[SAMPLES];
    int clean_count = 0;
    for (int s = 0; s < SAMPLES; ++s) {
        double first = run->begin[0][s], last = run->end[0][s], both_from = first, both_to = last, work = 0;
        int dirty = 0;
        for (int t = 0; t < run->threads; ++t) {
            const double b = run->begin[t][s], e = run->end[t][s];
            if (b < first) first = b;
            if (e > last) last = e;
            if (b > both_from) both_from = b;
            if (e < both_to) both_to = e;
            dirty |= run->dirty[t][s];
            work += run->work[t];
        }
        every[s] = work / (last - first);
        if (!dirty && both_to - both_from >= 0.9 * (last - first)) clean[clean_count++] = every[s];
    }
    qsort(every, SAMPLES, sizeof *every, ascending);
    qsort(clean, (size_t)clean_count, sizeof *clean, ascending);
    /* On a machine that is never left alone the best sample is the nearest to what it can do. */
    const double best = every[SAMPLES - 1];
    *rate = (bench_rate){ clean_count >= 5 ? clean[clean_count / 2] : best, best, clean_count, SAMPLES };
    return 0;
}

static int start(enum what what, bench_stream kind, int threads, size_t bytes, bench_rate *rate)
{
    if (threads < 1 || threads > MAX_THREADS || !rate) return EINVAL;
    struct run *run = calloc(1, sizeof *run);
    if (!run) return ENOMEM;
    run->what = what;
    run->kind = kind;
    run->threads = threads;
    run->bytes = bytes;
    run->loops = loops_here();
    const int error = measure(run, rate);
    free(run);
    return error;
}

int bench_fma(int threads, bench_rate *rate) { return start(FMA, BENCH_TRIAD, threads, 0, rate); }

int bench_exp(int threads, bench_rate *rate) { return start(EXP, BENCH_TRIAD, threads, 3 * 4 * 65536, rate); }

int bench_bandwidth(int threads, bench_stream kind, size_t bytes_per_thread, bench_rate *rate)
{
    if (bytes_per_thread < 3 * 2048 * sizeof(float)) return EINVAL;
    return start(STREAM, kind, threads, bytes_per_thread, rate);
}
