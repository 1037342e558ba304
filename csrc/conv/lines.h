/* Lines of pixels: the operand that products read in a convolution. Not public.
 *
 * Letters: T taps of the kernel along an axis, G channels of a group.
 *
 * The inputs of one output pixel are T x T patches of G channels. For a line of output pixels they are copied
 * once as [columns][T rows][G], so that the T * T * G inputs of an output lie behind each other and
 * neighbours share columns: a matrix with overlapping rows, T times the picture instead of the T * T times of
 * an unfolded one. A run of several lines is such a matrix in pieces. Where outputs are rows of the tiles,
 * lines too short for one get columns of their own for every output instead, so that several lines make one
 * matrix. */
#ifndef PN_CONV_LINES_H
#define PN_CONV_LINES_H

#include "../gemm/block.h"
#include "penchant/conv.h"

/* One axis of a part. A part is the outputs of a picture that are computed together. Forward it is all of
 * them; the gradient of the input has a part for each remainder of (row, column) by the stride, because other
 * taps hit it. */
struct conv_axis {
    size_t outputs, first; /* how many, and the first in the picture; the next one is `spacing` further */
    ptrdiff_t in;          /* the input that the first tap of the first output reads */
    size_t taps, tap;      /* how many, and the first; the next one is `tap_step` further */
};

struct conv_part {
    struct conv_axis y, x;
};

/* The geometry of a pass: from pictures [in_height, in_width, in] to [out_height, out_width, out]. */
struct conv_pass {
    size_t pictures, in_height, in_width, in, out_height, out_width, out;
    size_t kernel, padding;
    size_t step;        /* input pixels from one output of a part to the next */
    size_t spacing;     /* output pixels, likewise */
    ptrdiff_t tap_step; /* 1, or -stride in the gradient of the input: its taps run backwards */
    size_t run;         /* pixels of a run: a product then sums or writes this many rows at a time */
    size_t short_line;  /* lines with fewer outputs get columns of their own; 0: lines are joined as pieces */
    size_t group;       /* channels of `in` that are summed at a time */
    size_t groups;
};

/* How the outputs of a part are cut: runs of pixels whose operands are one matrix. */
struct conv_runs {
    bool apart;     /* columns of their own for every output */
    size_t lines;   /* lines of a run */
    size_t columns; /* outputs of a line in a run */
    size_t pieces;  /* runs a line */
    size_t count;   /* runs of the part */
};

/* The longest run. */
#define CONV_RUN_MAX ((size_t)128)

struct conv_pass pn_conv_forward(const pn_conv_shape *shape);
struct conv_pass pn_conv_backward(const pn_conv_shape *shape);

/* Parts that have taps, and sizes that none of them exceeds. */
size_t pn_conv_parts(const struct conv_pass *pass);
struct conv_part pn_conv_part(const struct conv_pass *pass, size_t index);
struct conv_part pn_conv_largest(const struct conv_pass *pass);

struct conv_runs pn_conv_runs(const struct conv_pass *pass, const struct conv_part *part);

/* Channels of group g. */
size_t pn_conv_channels(const struct conv_pass *pass, size_t g);

/* Floats of the operand of a run, with those that whole vectors read behind it. */
size_t pn_conv_line_floats(const struct conv_pass *pass);

/* A run in memory. */
struct conv_line {
    size_t pixels;
    size_t stride; /* floats from the inputs of one output to those of the next */
    size_t piece;  /* outputs until `gap` more floats lie between, 0 for never */
    ptrdiff_t gap;
    size_t first;  /* pixel of the first output: (picture * out_height + row) * out_width + column */
};

/* Copies the inputs of run r, channels of group g, to `to`. */
struct conv_line pn_conv_gather(const struct conv_pass *pass, const struct conv_part *part,
                                const struct conv_runs *runs, size_t r, size_t g, const float *x, float *to);

/* PN_OK when kernel, stride and all sizes can be. */
pn_status pn_conv_check(const pn_conv_shape *shape);

#endif
