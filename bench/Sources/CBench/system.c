#define _GNU_SOURCE
#include "cbench.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#define HUGE_PAGE ((size_t)2 << 20)

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

long bench_preemptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static size_t whole_pages(size_t bytes) { return (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1); }

void *bench_map(size_t bytes)
{
    /* One page more than asked for, then cut to a 2 MiB border: mmap aligns to 4 KiB only. */
    const size_t size = whole_pages(bytes), total = size + HUGE_PAGE;
    char *raw = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    char *block = (char *)(((uintptr_t)raw + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    const size_t head = (size_t)(block - raw);
    if (head) munmap(raw, head);
    if (HUGE_PAGE - head) munmap(block + size, HUGE_PAGE - head);
    (void)madvise(block, size, MADV_HUGEPAGE);
    memset(block, 0, size);
    return block;
}

void bench_unmap(void *block, size_t bytes)
{
    if (block) munmap(block, whole_pages(bytes));
}

int bench_pin(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
        if (!CPU_ISSET(cpu, &set)) continue;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return sched_setaffinity(0, sizeof set, &set);
    }
    return -1;
}

void bench_reset_peak_memory(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

static size_t status_field(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) return 0;
    char line[256];
    unsigned long kilobytes = 0;
    const size_t length = strlen(name);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            kilobytes = strtoul(line + length + 1, NULL, 10);
            break;
        }
    }
    fclose(file);
    return (size_t)kilobytes * 1024;
}

size_t bench_peak_memory(void) { return status_field("VmHWM"); }
size_t bench_current_memory(void) { return status_field("VmRSS"); }
