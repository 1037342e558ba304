/* Convolution of pictures and its gradients: kernels that overhang, strides above the kernel, any number of channels. */
#include "../fuzz.h"

struct sums {
    double *value, *scale; /* the sum and the sum of magnitudes */
};

static struct sums sums_of(size_t n, const float *base)
{
    struct sums s = { doubles_for(n), doubles_for(n) };
    for (size_t i = 0; i < n; ++i) {
        s.value[i] = base ? base[i] : 0;
        s.scale[i] = fabs(s.value[i]);
    }
    return s;
}

static void add(struct sums s, size_t i, double term)
{
    s.value[i] += term;
    s.scale[i] += fabs(term);
}

static void compare(const char *what, const float *got, struct sums want, size_t n, double products)
{
    for (size_t i = 0; i < n; ++i)
        EXPECT(near(got[i], want.value[i], 1.01 * (products + 2) * 0x1p-24 * want.scale[i] + 1e-30), "%s[%zu]: %g, expected %g",
               what, i, got[i], want.value[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip(), add_y = flip(), add_dx = flip();
    const size_t limit = flip() ? 6 : 70;
    const pn_conv_shape s = {
        .pictures = a_size(4), .height = a_size(12), .width = a_size(limit), .in = a_size(flip() ? 4 : 70),
        .out = a_size(flip() ? 4 : 70), .kernel = pick(6), .stride = pick(5), .padding = pick(4),
    };
    const size_t height = pn_conv_extent(s.height, s.kernel, s.stride, s.padding);
    const size_t width = pn_conv_extent(s.width, s.kernel, s.stride, s.padding);
    if (height == 0 || width == 0) {
        EXPECT(pn_conv2d_workspace(&s) == SIZE_MAX, "a kernel that does not fit");
        EXPECT(pn_conv2d_f32(&s, false, NULL, NULL, NULL, NULL, NULL, 0) == PN_EDIM, "a kernel that does not fit");
        return fuzz_end();
    }
    const size_t taps = s.kernel * s.kernel, pixels = s.pictures * height * width;
    const size_t nx = s.pictures * s.height * s.width * s.in, ny = pixels * s.out, nw = s.out * taps * s.in;
    float *x = floats(nx, wild), *w = floats(nw, wild), *dy = floats(ny, wild), *bias = maybe_floats(s.out, wild);
    float *base_y = floats(ny, wild), *base_dx = floats(nx, wild);

    float *y[2], *dx[2], *dw[2], *db[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        y[run] = add_y ? copy_of(base_y, ny) : room_for(ny);
        dx[run] = add_dx ? copy_of(base_dx, nx) : room_for(nx);
        dw[run] = room_for(nw);
        db[run] = room_for(s.out);
        pn_status status;
        size_t bytes = pn_conv2d_workspace(&s);
        void *workspace = workspace_of(bytes);
        CALL(status, pn_conv2d_f32(&s, add_y, x, w, bias, y[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        bytes = pn_conv2d_grad_input_workspace(&s);
        workspace = workspace_of(bytes);
        CALL(status, pn_conv2d_grad_input_f32(&s, add_dx, dy, w, dx[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        bytes = pn_conv2d_grad_weight_workspace(&s);
        workspace = workspace_of(bytes);
        CALL(status, pn_conv2d_grad_weight_f32(&s, dy, x, dw[run], db[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(y[0], y[1], ny) && same_floats(dx[0], dx[1], nx), "%zu pixels", pixels);
    EXPECT(same_floats(dw[0], dw[1], nw) && same_floats(db[0], db[1], s.out), "%zu pixels", pixels);
    if (wild || pixels * s.out * taps * s.in > 2000000) return fuzz_end();

    const struct sums ry = sums_of(ny, add_y ? base_y : NULL), rdx = sums_of(nx, add_dx ? base_dx : NULL);
    const struct sums rdw = sums_of(nw, NULL), rdb = sums_of(s.out, NULL);
    for (size_t p = 0; p < pixels; ++p) {
        const size_t picture = p / width / height, i = p / width % height, j = p % width;
        for (size_t o = 0; o < s.out; ++o) {
            const double d = dy[p * s.out + o];
            if (bias) add(ry, p * s.out + o, bias[o]);
            add(rdb, o, d);
            for (size_t t = 0; t < taps; ++t) {
                const size_t row = i * s.stride + t / s.kernel, column = j * s.stride + t % s.kernel;
                if (row < s.padding || column < s.padding || row - s.padding >= s.height || column - s.padding >= s.width)
                    continue;
                for (size_t c = 0; c < s.in; ++c) {
                    const size_t at = ((picture * s.height + row - s.padding) * s.width + column - s.padding) * s.in + c;
                    const size_t tap = (o * taps + t) * s.in + c;
                    add(ry, p * s.out + o, (double)x[at] * w[tap]);
                    add(rdx, at, d * w[tap]);
                    add(rdw, tap, d * x[at]);
                }
            }
        }
    }
    compare("y", y[0], ry, ny, (double)(taps * s.in));
    compare("dx", dx[0], rdx, nx, (double)(taps * s.out));
    compare("dweight", dw[0], rdw, nw, (double)pixels);
    compare("dbias", db[0], rdb, s.out, (double)pixels);
    return fuzz_end();
}
