/* libFuzzer's entry point for one reader: TARGET names a function of the Swift library. */
#include <stddef.h>
#include <stdint.h>

int32_t TARGET(const uint8_t *bytes, intptr_t count);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return TARGET(data, (intptr_t)size); }
