/* Sines and cosines of times. */
#include "penchant/embedding.h"

#include "base.h"

pn_status pn_time_embedding_f32(size_t n, size_t width, double period, double shift, bool cosine_first,
                                const double *times, float *y)
{
    size_t count;
    if (!pn_mul_size(n, width, &count) || count > PTRDIFF_MAX / sizeof(float)) return PN_EDIM;
    const size_t half = width / 2;
    const double last = (double)half - shift;
    if (!(period > 0) || !isfinite(period) || !isfinite(shift) || (half > 0 && !(last > 0))) return PN_EVALUE;
    if (count == 0) return PN_OK;
    if (!times || !y) return PN_ENULL;
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(times[i])) return PN_EVALUE;
    for (size_t j = 0; j < half; ++j) {
        const double frequency = exp(-log(period) * (double)j / last);
        for (size_t i = 0; i < n; ++i) {
            const double angle = times[i] * frequency;
            y[i * width + (cosine_first ? half + j : j)] = (float)sin(angle);
            y[i * width + (cosine_first ? j : half + j)] = (float)cos(angle);
        }
    }
    if (width % 2)
        for (size_t i = 0; i < n; ++i) y[i * width + width - 1] = 0;
    return PN_OK;
}
