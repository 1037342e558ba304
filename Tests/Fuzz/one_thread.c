/* The OpenMP runtime's part that csrc/base/team.c calls, on one thread. MemorySanitizer and RealtimeSanitizer would
 * otherwise report what the runtime, which is not instrumented, does while it starts. */
int omp_in_parallel(void) { return 0; }
int omp_get_thread_num(void) { return 0; }

void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags)
{
    (void)threads;
    (void)flags;
    body(data);
}
