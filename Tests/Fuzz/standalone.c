/* A main for the targets where libFuzzer cannot run: other sanitizers, other compilers, a debugger.
 *
 *   target COUNT [FILE ...]     COUNT inputs from a fixed sequence, then the files */
#include "penchant/team.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int count, char **arguments)
{
    static uint8_t data[65536];
    /* The first call asks the system for its processors, which a kernel under the realtime sanitizer may not. */
    (void)pn_team_size();
    const long inputs = count > 1 ? strtol(arguments[1], NULL, 10) : 1000;
    uint32_t state = 1;
    for (long i = 0; i < inputs; ++i) {
        const size_t size = (size_t)(i % 64) + 2;
        for (size_t b = 0; b < size; ++b) {
            state = state * 1664525u + 1013904223u;
            data[b] = (uint8_t)(state >> 24);
        }
        LLVMFuzzerTestOneInput(data, size);
    }
    for (int i = 2; i < count; ++i) {
        FILE *file = fopen(arguments[i], "rb");
        if (!file) {
            perror(arguments[i]);
            return 1;
        }
        const size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
}
