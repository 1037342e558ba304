/* What the benchmark needs below Swift: a clock, a count of disturbances, buffers on huge pages, and the ceilings of
 * the machine. It shares no code with the library, so that a ceiling cannot inherit a kernel's mistake. */
#ifndef CBENCH_H
#define CBENCH_H

#include <stddef.h>

/* Seconds of a monotonic clock. */
double bench_seconds(void);

/* Times that the system took a processor from this process while it wanted to run. A sample during which the count
 * grew was disturbed by another program. */
long bench_preemptions(void);

/* Zeroed memory on 2 MiB pages where the system grants them; NULL when refused. */
void *bench_map(size_t bytes);
void bench_unmap(void *block, size_t bytes);

/* Restricts this process to one processor, the last that it may use. 0 on success. */
int bench_pin(void);

/* Restarts the count of peak memory; then the peak since, in bytes (0 where the system does not say). */
void bench_reset_peak_memory(void);
size_t bench_peak_memory(void);
size_t bench_current_memory(void);

typedef struct bench_rate {
    double median; /* per second, of the undisturbed samples; the best of all when fewer than five are */
    double best;
    int clean, samples; /* undisturbed samples, all samples */
} bench_rate;

typedef enum bench_stream {
    BENCH_TRIAD = 0,     /* a = b + s * c: 12 bytes an element, as STREAM counts */
    BENCH_TRIAD_NT = 1,  /* the same with stores that go past the caches */
    BENCH_READ = 2,      /* sum of b: 4 bytes an element */
} bench_stream;

/* Ceilings on `threads` pinned threads. They return 0, or an errno value. */
int bench_fma(int threads, bench_rate *rate);   /* floating-point operations (2 an FMA) a second, float32 */
int bench_exp(int threads, bench_rate *rate);   /* exponentials a second, operands in L2 */
int bench_bandwidth(int threads, bench_stream kind, size_t bytes_per_thread, bench_rate *rate); /* bytes a second */

#endif
