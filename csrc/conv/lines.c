#include "lines.h"

/* Sums of some 576 products: with 192 columns of the other operand 440 KiB, half of the L2. */
#define GROUP_PRODUCTS ((size_t)576)
#define GROUP_ROUND ((size_t)16)
/* Shorter lines would leave rows of the tiles empty. */
#define TILE_ROWS ((size_t)PN_TILE_ROWS_MAX)
/* Rows of y that a product writes at a time. */
#define RUN ((size_t)64)
/* Floats that whole vectors may read behind the last operand. */
#define BEHIND ((size_t)64)

size_t pn_conv_extent(size_t pixels, size_t kernel, size_t stride, size_t padding)
{
    size_t padded;
    if (kernel == 0 || stride == 0 || !pn_add_size(pixels, padding, &padded) ||
        !pn_add_size(padded, padding, &padded))
        return 0;
    return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

static bool addressable(size_t a, size_t b, size_t c, size_t d)
{
    size_t n;
    return pn_mul_size(a, b, &n) && pn_mul_size(n, c, &n) && pn_mul_size(n, d, &n) && n <= PTRDIFF_MAX / 16;
}

pn_status pn_conv_check(const pn_conv_shape *s)
{
    if (!s) return PN_ENULL;
    const size_t height = pn_conv_extent(s->height, s->kernel, s->stride, s->padding);
    const size_t width = pn_conv_extent(s->width, s->kernel, s->stride, s->padding);
    if (height == 0 || width == 0) return PN_EDIM;
    /* Extents alone too: places are computed in signed numbers, and a count of 0 hides the other factors. */
    const size_t most = PTRDIFF_MAX / 64;
    if (s->pictures > most || s->height > most || s->width > most || s->in > most || s->out > most ||
        s->kernel > most || s->stride > most || s->padding > most)
        return PN_EDIM;
    /* 64 runs' worth of columns: what a line may need in a workspace. */
    if (!addressable(s->pictures, s->height, s->width, pn_max(s->in, 1)) ||
        !addressable(s->pictures, height, width, pn_max(s->out, 1)) ||
        !addressable(pn_max(s->out, 64), s->kernel, s->kernel, pn_max(s->in, 64)) ||
        !addressable(CONV_RUN_MAX, pn_max(s->stride, s->kernel), s->kernel, pn_max(pn_max(s->in, s->out), 64)))
        return PN_EDIM;
    return PN_OK;
}

static void cut_channels(struct conv_pass *pass)
{
    const size_t taps = pass->kernel * pass->kernel;
    const size_t most = pn_max(GROUP_PRODUCTS / taps / GROUP_ROUND, 1) * GROUP_ROUND;
    const size_t even = pn_ceil_div(pass->in, pn_max(pn_ceil_div(pass->in, most), 1));
    pass->group = pn_min(pn_ceil_div(even, GROUP_ROUND) * GROUP_ROUND, pass->in);
    pass->groups = pass->in ? pn_ceil_div(pass->in, pass->group) : 1;
}

struct conv_pass pn_conv_forward(const pn_conv_shape *s)
{
    struct conv_pass pass = {
        .pictures = s->pictures,
        .in_height = s->height,
        .in_width = s->width,
        .in = s->in,
        .out_height = pn_conv_extent(s->height, s->kernel, s->stride, s->padding),
        .out_width = pn_conv_extent(s->width, s->kernel, s->stride, s->padding),
        .out = s->out,
        .kernel = s->kernel,
        .padding = s->padding,
        .step = s->stride,
        .spacing = 1,
        .tap_step = 1,
        .run = RUN,
        .short_line = TILE_ROWS,
    };
    cut_channels(&pass);
    return pass;
}

struct conv_pass pn_conv_backward(const pn_conv_shape *s)
{
    const struct conv_pass forward = pn_conv_forward(s);
    struct conv_pass pass = {
        .pictures = s->pictures,
        .in_height = forward.out_height,
        .in_width = forward.out_width,
        .in = s->out,
        .out_height = s->height,
        .out_width = s->width,
        .out = s->in,
        .kernel = s->kernel,
        .padding = s->padding,
        .step = 1,
        .spacing = s->stride,
        .tap_step = -(ptrdiff_t)s->stride,
        .run = RUN,
        .short_line = TILE_ROWS,
    };
    cut_channels(&pass);
    return pass;
}

static size_t remainders(const struct conv_pass *pass)
{
    return pn_min(pass->spacing, pass->kernel);
}

size_t pn_conv_parts(const struct conv_pass *pass)
{
    return pass->tap_step > 0 ? 1 : remainders(pass) * remainders(pass);
}

/* The outputs i with (i + padding) mod stride = tap read taps tap, tap + stride, ... at falling inputs. */
static struct conv_axis axis(const struct conv_pass *pass, size_t outputs, size_t tap)
{
    const ptrdiff_t padding = (ptrdiff_t)pass->padding;
    if (pass->tap_step > 0) return (struct conv_axis){ outputs, 0, -padding, pass->kernel, 0 };
    const size_t s = pass->spacing, first = (tap + s - pass->padding % s) % s;
    const size_t taps = pn_ceil_div(pass->kernel - tap, s);
    return (struct conv_axis){
        .outputs = first < outputs ? pn_ceil_div(outputs - first, s) : 0,
        .first = first,
        .in = (ptrdiff_t)((first + pass->padding) / s) - (ptrdiff_t)(taps - 1),
        .taps = taps,
        .tap = tap + s * (taps - 1),
    };
}

struct conv_part pn_conv_part(const struct conv_pass *pass, size_t index)
{
    const size_t r = remainders(pass);
    return (struct conv_part){ axis(pass, pass->out_height, index / r),
                               axis(pass, pass->out_width, index % r) };
}

struct conv_runs pn_conv_runs(const struct conv_pass *pass, const struct conv_part *part)
{
    const size_t lines = pass->pictures * part->y.outputs, columns = part->x.outputs;
    struct conv_runs runs = { .lines = 1, .columns = columns, .pieces = 1 };
    if (lines == 0 || columns == 0) return runs;
    if (columns < pass->short_line && pass->spacing == 1) {
        runs.apart = true;
        runs.lines = pass->run / columns;
    } else if (columns <= pass->run) {
        if (pass->short_line == 0) runs.lines = pass->run / columns;
    } else {
        const size_t even = pn_ceil_div(columns, pn_ceil_div(columns, pass->run));
        runs.columns = pn_ceil_div(even, TILE_ROWS) * TILE_ROWS;
        runs.pieces = pn_ceil_div(columns, runs.columns);
    }
    runs.count = pn_ceil_div(lines, runs.lines) * runs.pieces;
    return runs;
}

size_t pn_conv_channels(const struct conv_pass *pass, size_t g)
{
    return pn_min(pass->group, pass->in - g * pass->group);
}

struct conv_part pn_conv_largest(const struct conv_pass *pass)
{
    const size_t s = pass->spacing, taps = pn_ceil_div(pass->kernel, s);
    return (struct conv_part){ { .outputs = pn_ceil_div(pass->out_height, s), .taps = taps },
                               { .outputs = pn_ceil_div(pass->out_width, s), .taps = taps } };
}

size_t pn_conv_line_floats(const struct conv_pass *pass)
{
    const struct conv_part part = pn_conv_largest(pass);
    const struct conv_runs runs = pn_conv_runs(pass, &part);
    /* Another part may have longer runs, but none above the pass's. */
    const size_t outputs = pn_max(pn_min(part.x.outputs, pass->run), 1);
    const size_t line = runs.apart ? runs.columns * part.x.taps : (outputs - 1) * pass->step + part.x.taps;
    const size_t columns = runs.lines * line;
    return columns * part.y.taps * pass->group + BEHIND;
}

/* Columns first ... first + count - 1 of one input row, or zeros: [count] pieces of `channels`, `apart`
 * floats from one to the next. */
PN_CLONES static void copy_columns(size_t count, size_t channels, ptrdiff_t first, size_t width, size_t pixel,
                                   size_t apart, const float *restrict row, float *restrict to)
{
    for (size_t j = 0; j < count; ++j, to += apart) {
        const ptrdiff_t at = first + (ptrdiff_t)j;
        if (row && at >= 0 && (size_t)at < width) {
            const float *restrict from = row + (size_t)at * pixel;
            for (size_t c = 0; c < channels; ++c) to[c] = from[c];
        } else {
            for (size_t c = 0; c < channels; ++c) to[c] = 0;
        }
    }
}

/* `outputs` outputs of one line from output column `column` on. */
static size_t gather_line(const struct conv_pass *pass, const struct conv_part *part, bool apart, size_t line,
                          size_t column, size_t outputs, size_t g, const float *x, float *to)
{
    const size_t channels = pn_conv_channels(pass, g), taps = part->y.taps, between = taps * channels;
    const size_t picture = line / part->y.outputs;
    const ptrdiff_t top = part->y.in + (ptrdiff_t)(line % part->y.outputs * pass->step);
    const size_t blocks = apart ? outputs : 1;
    const size_t columns = apart ? part->x.taps : (outputs - 1) * pass->step + part->x.taps;
    for (size_t t = 0; t < taps; ++t) {
        const ptrdiff_t y = top + (ptrdiff_t)t;
        const float *row = NULL;
        if (channels > 0 && y >= 0 && (size_t)y < pass->in_height)
            row = x + (picture * pass->in_height + (size_t)y) * pass->in_width * pass->in + g * pass->group;
        for (size_t b = 0; b < blocks; ++b)
            copy_columns(columns, channels, part->x.in + (ptrdiff_t)((column + b) * pass->step),
                         pass->in_width, pass->in, between, row, to + (b * columns * taps + t) * channels);
    }
    return blocks * columns * between;
}

struct conv_line pn_conv_gather(const struct conv_pass *pass, const struct conv_part *part,
                                const struct conv_runs *runs, size_t r, size_t g, const float *x, float *to)
{
    const size_t line = r / runs->pieces * runs->lines, column = r % runs->pieces * runs->columns;
    const size_t lines = pn_min(runs->lines, pass->pictures * part->y.outputs - line);
    const size_t outputs = pn_min(runs->columns, part->x.outputs - column);
    size_t filled = 0;
    for (size_t i = 0; i < lines; ++i) {
        filled = gather_line(pass, part, runs->apart, line + i, column, outputs, g, x, to);
        to += filled;
    }
    const size_t picture = line / part->y.outputs, row = line % part->y.outputs;
    const size_t stride = (runs->apart ? part->x.taps : pass->step) * part->y.taps * pn_conv_channels(pass, g);
    return (struct conv_line){
        .pixels = lines * outputs,
        .stride = stride,
        .piece = lines > 1 && !runs->apart ? outputs : 0,
        .gap = (ptrdiff_t)filled - (ptrdiff_t)(outputs * stride),
        .first = (picture * pass->out_height + part->y.first + row * pass->spacing) * pass->out_width +
                 part->x.first + column * pass->spacing,
    };
}
