/* Another library's sgemm, answering bench/compare with the protocol of Sources/KernelBench/Worker.swift.
 *
 *   sgemm-peer onednn|openblas THREADS [LIBRARY]
 *
 * A process of its own, because two OpenMP runtimes in one process disturb each other. The library is opened at run
 * time, so that building the benchmark needs none of them. */
#include "cbench.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SAMPLES 4096

typedef int dnnl_sgemm_fn(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
                          float, float *, int64_t);
typedef void cblas_sgemm_fn(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
                            float *, int);
typedef void set_threads_fn(int);

struct product {
    char ta, tb; /* 'N' or 'T' */
    int m, n, k;
    float *a, *b, *c;
};

static dnnl_sgemm_fn *dnnl_sgemm;
static cblas_sgemm_fn *cblas_sgemm;

static void multiply(const struct product *p)
{
    const int lda = p->ta == 'N' ? p->k : p->m, ldb = p->tb == 'N' ? p->n : p->k;
    if (dnnl_sgemm) {
        dnnl_sgemm(p->ta, p->tb, p->m, p->n, p->k, 1, p->a, lda, p->b, ldb, 0, p->c, p->n);
    } else {
        enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
        cblas_sgemm(ROW_MAJOR, p->ta == 'N' ? PLAIN : TRANSPOSED, p->tb == 'N' ? PLAIN : TRANSPOSED, p->m, p->n, p->k,
                    1, p->a, lda, p->b, ldb, 0, p->c, p->n);
    }
}

static size_t bytes(int rows, int columns) { return (size_t)rows * (size_t)columns * sizeof(float); }

static void discard(struct product *p)
{
    bench_unmap(p->a, bytes(p->m, p->k));
    bench_unmap(p->b, bytes(p->k, p->n));
    bench_unmap(p->c, bytes(p->m, p->n));
    memset(p, 0, sizeof *p);
}

static float *filled(size_t size)
{
    float *x = bench_map(size);
    for (size_t i = 0; x && i < size / sizeof(float); ++i) x[i] = (float)(i * 7919 % 1000) * 1e-3f - 0.5f;
    return x;
}

/* "sgemm NT 8192x64x512", rows x columns x inner; 0 when it is not such a name or memory is refused. */
static int prepare(const char *name, struct product *p)
{
    struct product made = { 0 };
    if (sscanf(name, "sgemm %c%c %dx%dx%d", &made.ta, &made.tb, &made.m, &made.n, &made.k) != 5) return 0;
    if (made.m < 1 || made.n < 1 || made.k < 1) return 0;
    made.a = filled(bytes(made.m, made.k));
    made.b = filled(bytes(made.k, made.n));
    made.c = filled(bytes(made.m, made.n));
    *p = made;
    return made.a && made.b && made.c;
}

static void sample(const struct product *p, double seconds)
{
    static double times[MAX_SAMPLES];
    static char clean[MAX_SAMPLES];
    multiply(p);
    double begin = bench_seconds();
    multiply(p);
    const double once = bench_seconds() - begin;
    const int repeats = once >= 1e-3 ? 1 : (int)(1e-3 / (once > 1e-7 ? once : 1e-7));
    const double stop = bench_seconds() + seconds;
    int count = 0;
    do {
        const long before = bench_preemptions();
        begin = bench_seconds();
        for (int r = 0; r < repeats; ++r) multiply(p);
        times[count] = (bench_seconds() - begin) / repeats;
        clean[count++] = bench_preemptions() == before;
    } while (count < MAX_SAMPLES && (count < 3 || bench_seconds() < stop));

    printf("{\"times\": [");
    for (int i = 0; i < count; ++i) printf("%s%.9g", i ? ", " : "", times[i]);
    printf("], \"clean\": [");
    for (int i = 0; i < count; ++i) printf("%s%s", i ? ", " : "", clean[i] ? "true" : "false");
    puts("]}");
}

int main(int count, char **arguments)
{
    const int onednn = count > 2 && strcmp(arguments[1], "onednn") == 0;
    const int threads = count > 2 ? atoi(arguments[2]) : 0;
    if (threads < 1 || (!onednn && strcmp(arguments[1], "openblas") != 0)) {
        fputs("usage: sgemm-peer onednn|openblas THREADS [LIBRARY]\n", stderr);
        return 64;
    }
    if (threads == 1) bench_pin();
    setenv("OMP_NUM_THREADS", arguments[2], 1);
    setenv("OPENBLAS_NUM_THREADS", arguments[2], 1);
    const char *name = count > 3 ? arguments[3] : onednn ? "libdnnl.so.2" : "libopenblas.so.0";
    void *library = dlopen(name, RTLD_NOW);
    if (library && onednn) dnnl_sgemm = (dnnl_sgemm_fn *)dlsym(library, "dnnl_sgemm");
    if (library && !onednn) cblas_sgemm = (cblas_sgemm_fn *)dlsym(library, "cblas_sgemm");
    const int usable = dnnl_sgemm || cblas_sgemm;
    const char *reason = usable ? "" : library ? "it has no sgemm" : dlerror();

    struct product product = { 0 };
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "prepare ", 8) == 0) {
            discard(&product);
            if (!usable) printf("{\"error\": \"%s\"}\n", reason);
            else if (prepare(line + 8, &product)) puts("{\"ready\": true}");
            else puts("{\"error\": \"no such case\"}");
        } else if (strncmp(line, "sample ", 7) == 0 && product.c) {
            sample(&product, atof(line + 7));
        } else {
            puts("{\"error\": \"not understood\"}");
        }
        fflush(stdout);
    }
    return 0;
}
