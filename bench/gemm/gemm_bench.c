/* sgemm of this library beside oneDNN and OpenBLAS, same shapes, same buffers, samples taken in turns.
 *
 *   gemm_bench [--set all|square|tall|wide] [--threads n] [--dnnl PATH] [--openblas PATH] [--shape MODE,M,N,K] [--json]
 *
 * One thread is timed by its CPU time (other programs disturb the wall clock), more by the wall clock.
 * Modes: NN  C = A B      NT  C = A B^T  (linear layer)      TN  C = A^T B  (weight gradient, K = batch)
 * A peer that cannot be loaded is left out. For several threads set OMP_NUM_THREADS for the peers as well.
 */
#define _GNU_SOURCE
#include "penchant.h"

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void cblas_sgemm_t(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *,
                           int);
typedef int dnnl_sgemm_t(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
                         float, float *, int64_t);

enum { OURS, DNNL, OPENBLAS, PACKED, LIBS };
static const char *const lib_names[LIBS] = { "penchant", "onednn", "openblas", "packed" };
static cblas_sgemm_t *openblas;
static dnnl_sgemm_t *dnnl;
static void *workspace, *packed;
static size_t workspace_bytes, packed_bytes;

struct shape {
    int ta, tb;
    size_t m, n, k;
};

static double now(int threads)
{
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void call(int lib, struct shape s, const float *a, const float *b, float *c)
{
    const size_t lda = s.ta ? s.m : s.k, ldb = s.tb ? s.k : s.n;
    pn_status status = PN_OK;
    switch (lib) {
    case OURS:
        status = pn_gemm_f32((pn_transpose)s.ta, (pn_transpose)s.tb, s.m, s.n, s.k, 1, a, lda, b, ldb, 0, c, s.n, NULL,
                             workspace, workspace_bytes);
        break;
    case PACKED:
        status = pn_gemm_packed_f32((pn_transpose)s.ta, s.m, s.n, s.k, 1, a, lda, packed, 0, c, s.n, NULL, workspace,
                                    workspace_bytes);
        break;
    case DNNL:
        dnnl(s.ta ? 'T' : 'N', s.tb ? 'T' : 'N', (int64_t)s.m, (int64_t)s.n, (int64_t)s.k, 1, a, (int64_t)lda, b,
             (int64_t)ldb, 0, c, (int64_t)s.n);
        break;
    default:
        openblas(101, s.ta ? 112 : 111, s.tb ? 112 : 111, (int)s.m, (int)s.n, (int)s.k, 1, a, (int)lda, b, (int)ldb, 0,
                 c, (int)s.n);
    }
    if (status != PN_OK) {
        fprintf(stderr, "%s\n", pn_status_name(status));
        exit(1);
    }
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

#define SAMPLES 15

int main(int argc, char **argv)
{
    const char *set = "all", *dnnl_path = "libdnnl.so.2", *openblas_path = "libopenblas.so.0";
    int threads = 1, json = 0, n_shapes = 0;
    static struct shape shapes[512];
    for (int i = 1; i < argc; ++i) {
        if (!strcmp(argv[i], "--json")) json = 1;
        else if (i + 1 == argc) return 64;
        else if (!strcmp(argv[i], "--set")) set = argv[++i];
        else if (!strcmp(argv[i], "--threads")) threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--dnnl")) dnnl_path = argv[++i];
        else if (!strcmp(argv[i], "--openblas")) openblas_path = argv[++i];
        else if (!strcmp(argv[i], "--shape")) {
            char mode[3];
            struct shape s;
            if (sscanf(argv[++i], "%2s,%zu,%zu,%zu", mode, &s.m, &s.n, &s.k) != 4 &&
                sscanf(argv[i], "%c%c,%zu,%zu,%zu", mode, mode + 1, &s.m, &s.n, &s.k) != 5)
                return 64;
            s.ta = mode[0] == 'T', s.tb = mode[1] == 'T';
            shapes[n_shapes++] = s;
            set = "none";
        } else return 64;
    }
    void *handle = dlopen(dnnl_path, RTLD_NOW | RTLD_LOCAL);
    if (handle) dnnl = (dnnl_sgemm_t *)dlsym(handle, "dnnl_sgemm");
    handle = dlopen(openblas_path, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        openblas = (cblas_sgemm_t *)dlsym(handle, "cblas_sgemm");
        void (*set_threads)(int) = (void (*)(int))dlsym(handle, "openblas_set_num_threads");
        if (set_threads) set_threads(threads);
    }
    pn_team_set_size((size_t)threads);

    const int all = !strcmp(set, "all");
    if (all || !strcmp(set, "square")) {
        const size_t q[] = { 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048 };
        for (int i = 0; i < 13; ++i) shapes[n_shapes++] = (struct shape){ 0, 0, q[i], q[i], q[i] };
    }
    if (all || !strcmp(set, "tall")) {
        const size_t m[] = { 256, 1024, 4096, 8192 }, n[] = { 64, 128, 256, 512 };
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j)
                for (int l = 0; l < 4; ++l) shapes[n_shapes++] = (struct shape){ 0, 0, m[i], n[j], n[l] };
    }
    if (all || !strcmp(set, "tall") || !strcmp(set, "trans")) {
        const size_t m[] = { 256, 1024, 8192 }, n[] = { 64, 256, 512 };
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
                for (int l = 0; l < 3; ++l) {
                    shapes[n_shapes++] = (struct shape){ 0, 1, m[i], n[j], n[l] };
                    shapes[n_shapes++] = (struct shape){ 1, 0, n[j], n[l], m[i] };
                }
    }
    if (!strcmp(set, "mlp")) { /* the products of an MLP 256-512-512 at three batch sizes, forward and both gradients */
        const size_t batch[] = { 32, 256, 4096 }, in[] = { 256, 512 };
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 2; ++j) {
                shapes[n_shapes++] = (struct shape){ 0, 1, batch[i], 512, in[j] };
                shapes[n_shapes++] = (struct shape){ 0, 0, batch[i], in[j], 512 };
                shapes[n_shapes++] = (struct shape){ 1, 0, 512, in[j], batch[i] };
            }
    }

    const size_t bytes = (size_t)8192 * 2048 * sizeof(float);
    float *a = pn_alloc(bytes), *b = pn_alloc(bytes), *c = pn_alloc(bytes);
    if (!a || !b || !c) return 1;
    for (size_t i = 0; i < bytes / sizeof(float); ++i) a[i] = (float)(i % 17) * 0.01f, b[i] = (float)(i % 13) * 0.01f, c[i] = 0;

    double log_ratio[LIBS] = { 0 };
    if (!json) printf("%-24s %9s %9s %9s %9s   vs onednn\n", "shape", lib_names[0], lib_names[1], lib_names[2], lib_names[3]);
    for (int i = 0; i < n_shapes; ++i) {
        const struct shape s = shapes[i];
        size_t need = pn_gemm_workspace((pn_transpose)s.ta, (pn_transpose)s.tb, s.m, s.n, s.k);
        const size_t other = pn_gemm_packed_workspace((pn_transpose)s.ta, s.m, s.n, s.k);
        if (other > need) need = other;
        if (need > workspace_bytes) {
            pn_free(workspace);
            workspace = pn_alloc(workspace_bytes = need);
        }
        need = pn_gemm_pack_b_bytes(s.n, s.k);
        if (need > packed_bytes) {
            pn_free(packed);
            packed = pn_alloc(packed_bytes = need);
        }
        if (!workspace || !packed) return 1;
        pn_gemm_pack_b_f32((pn_transpose)s.tb, s.n, s.k, b, s.tb ? s.k : s.n, packed, packed_bytes);
        const double work = 2.0 * (double)s.m * (double)s.n * (double)s.k;
        const int inner = (int)fmax(1, 1e-3 * 60e9 * threads / work);
        double rate[LIBS][SAMPLES], median[LIBS] = { 0 };
        for (int sample = -1; sample < SAMPLES; ++sample)
            for (int lib = 0; lib < LIBS; ++lib) {
                if ((lib == DNNL && !dnnl) || (lib == OPENBLAS && !openblas)) continue;
                const double start = now(threads);
                for (int r = 0; r < inner; ++r) call(lib, s, a, b, c);
                if (sample >= 0) rate[lib][sample] = work * inner / (now(threads) - start) * 1e-9;
            }
        for (int lib = 0; lib < LIBS; ++lib) {
            if ((lib == DNNL && !dnnl) || (lib == OPENBLAS && !openblas)) continue;
            qsort(rate[lib], SAMPLES, sizeof(double), ascending);
            median[lib] = rate[lib][SAMPLES / 2];
        }
        for (int lib = 0; lib < LIBS; ++lib)
            if (median[lib] > 0 && median[DNNL] > 0) log_ratio[lib] += log(median[lib] / median[DNNL]);
        if (json)
            printf("{\"bench\":\"sgemm\",\"threads\":%d,\"mode\":\"%c%c\",\"m\":%zu,\"n\":%zu,\"k\":%zu,\"gflops\":{\"penchant\":%.1f,"
                   "\"onednn\":%.1f,\"openblas\":%.1f,\"packed\":%.1f}}\n",
                   threads, s.ta ? 'T' : 'N', s.tb ? 'T' : 'N', s.m, s.n, s.k, median[0], median[1], median[2], median[3]);
        else
            printf("%c%c %6zu %5zu %5zu    %9.1f %9.1f %9.1f %9.1f   %.3f%s\n", s.ta ? 'T' : 'N', s.tb ? 'T' : 'N', s.m,
                   s.n, s.k, median[0], median[1], median[2], median[3], median[0] / median[DNNL],
                   median[0] < median[DNNL] ? " <" : "");
        fflush(stdout);
    }
    if (!json && dnnl)
        printf("geometric mean against onednn: penchant %.3f, openblas %.3f, packed %.3f\n", exp(log_ratio[OURS] / n_shapes),
               exp(log_ratio[OPENBLAS] / n_shapes), exp(log_ratio[PACKED] / n_shapes));
    return 0;
}
