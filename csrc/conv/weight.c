/* The gradient of the kernel: products of dy, read by columns, with lines of x, summed over pixels. */
#include "lines.h"

#include "penchant/layout.h"

/* Output channels whose sums stay in the L2. */
#define CHANNELS ((size_t)128)
/* Products of a task, and tasks that are worth more partial sums. */
#define TASK_WORK ((size_t)1 << 20)
#define TASKS ((size_t)16)
#define ALIGN ((size_t)64)

struct job {
    const struct pn_gemm_kernels *kernels;
    struct conv_pass pass;
    struct conv_part part;
    struct conv_runs runs;
    const float *dy, *x;
    size_t slabs;    /* of CHANNELS output channels */
    size_t chunks;   /* of runs: a partial sum each */
    size_t row;      /* floats of a row of a partial sum: all groups, each padded to whole vectors */
    float *partials; /* [chunks, out, row] */
    float *lines;
    size_t line_floats;
    float *dweight;
};

static size_t padded(size_t n)
{
    return pn_ceil_div(n, PN_LANES_MAX) * PN_LANES_MAX;
}

static size_t taps(const struct job *job)
{
    return job->pass.kernel * job->pass.kernel;
}

/* Where group g begins in a row of a partial sum. */
static size_t group_at(const struct job *job, size_t g)
{
    return g * padded(taps(job) * job->pass.group);
}

static struct job plan(const pn_conv_shape *shape)
{
    struct job job = { .kernels = pn_gemm_kernels_now(), .pass = pn_conv_forward(shape) };
    /* Every run reads and writes the sums once more, so lines are joined. */
    job.pass.run = CONV_RUN_MAX;
    job.pass.short_line = 0;
    job.part = pn_conv_part(&job.pass, 0);
    job.runs = pn_conv_runs(&job.pass, &job.part);
    job.slabs = pn_ceil_div(job.pass.out, CHANNELS);
    job.row = group_at(&job, job.pass.groups);
    job.line_floats =
        pn_ceil_div(pn_conv_line_floats(&job.pass) * sizeof(float), ALIGN) * ALIGN / sizeof(float);
    /* Enough for a few threads, as long as a sum is worth its own partial. */
    const size_t cells = job.slabs * job.pass.groups;
    const size_t run_work = pn_max(job.runs.lines * job.runs.columns * job.row, 1) * pn_max(job.pass.out, 1);
    const size_t worth = pn_max(job.runs.count / pn_max(pn_ceil_div(TASK_WORK, run_work), 1), 1);
    job.chunks = pn_min(pn_max(pn_ceil_div(TASKS, cells), 1), worth);
    return job;
}

static size_t workspace_for(const pn_conv_shape *shape, size_t members, size_t *partials)
{
    const struct job job = plan(shape);
    size_t bytes = ALIGN;
    if (!pn_add_part(&bytes, job.chunks * job.pass.out, job.row, sizeof(float))) return SIZE_MAX;
    *partials = bytes - ALIGN;
    return pn_add_part(&bytes, members, job.line_floats, sizeof(float)) ? bytes : SIZE_MAX;
}

/* Adds (or sets, with `set`) what one line says about output channels first ... first + channels - 1. */
static void multiply(const struct job *job, const struct conv_line *line, size_t columns,
                     const float *operand, size_t first, size_t channels, bool set, float *sum)
{
    const struct pn_gemm_kernels *kernels = job->kernels;
    const struct pn_gemm_vectors b = { operand, kernels->lanes, line->stride, false };
    const size_t panels = pn_ceil_div(channels, kernels->rows);
    for (size_t panel = 0; panel < panels; ++panel) {
        const size_t i = panel * channels / panels, rows = (panel + 1) * channels / panels - i;
        const struct pn_tile_out out = {
            .c = sum + i * job->row,
            .ldc = job->row,
            .alpha = 1,
            .beta = set ? 0 : 1,
            .b_piece = line->piece,
            .b_gap = line->gap,
        };
        /* Whole vectors: the padding of a row takes what lies behind the operand, and nobody reads it. */
        pn_gemm_tiles(kernels, kernels->by_columns[rows - 1], padded(columns), line->pixels,
                      job->dy + line->first * job->pass.out + first + i, job->pass.out, b, &out);
    }
}

static void task(void *context, size_t index, size_t member)
{
    const struct job *job = context;
    const size_t slab = index % job->slabs, g = index / job->slabs % job->pass.groups;
    const size_t chunk = index / job->slabs / job->pass.groups;
    const size_t first = slab * CHANNELS, channels = pn_min(CHANNELS, job->pass.out - first);
    const size_t columns = taps(job) * pn_conv_channels(&job->pass, g);
    const size_t begin = chunk * job->runs.count / job->chunks,
                 end = (chunk + 1) * job->runs.count / job->chunks;
    float *operand = job->lines + member * job->line_floats;
    float *sum = job->partials + (chunk * job->pass.out + first) * job->row + group_at(job, g);
    for (size_t r = begin; r < end; ++r) {
        const struct conv_line line =
            pn_conv_gather(&job->pass, &job->part, &job->runs, r, g, job->x, operand);
        multiply(job, &line, columns, operand, first, channels, r == begin, sum);
    }
}

/* Partials of one output channel, added in order and put in the order of the kernel: from
 * [group][v][u][channel of the group] to [u][v][channel]. */
PN_CLONES static void add_partials(const struct job *job, size_t out, float *restrict dweight)
{
    const size_t k = job->pass.kernel, stride = job->pass.out * job->row;
    for (size_t g = 0; g < job->pass.groups; ++g) {
        const size_t channels = pn_conv_channels(&job->pass, g);
        const float *restrict from = job->partials + out * job->row + group_at(job, g);
        for (size_t v = 0; v < k; ++v)
            for (size_t u = 0; u < k; ++u, from += channels) {
                float *restrict to = dweight + (u * k + v) * job->pass.in + g * job->pass.group;
                for (size_t c = 0; c < channels; ++c) to[c] = from[c];
                for (size_t chunk = 1; chunk < job->chunks; ++chunk)
                    for (size_t c = 0; c < channels; ++c) to[c] += from[chunk * stride + c];
            }
    }
}

static void sum_block(void *context, size_t out)
{
    const struct job *job = context;
    add_partials(job, out, job->dweight + out * taps(job) * job->pass.in);
}

size_t pn_conv2d_grad_weight_workspace(const pn_conv_shape *shape)
{
    if (pn_conv_check(shape) != PN_OK) return SIZE_MAX;
    if (shape->out == 0) return 0;
    const struct conv_pass pass = pn_conv_forward(shape);
    size_t partials;
    return pn_max(workspace_for(shape, pn_team_size(), &partials),
                  pn_sum_rows_workspace(pass.pictures * pass.out_height * pass.out_width, pass.out));
}

static pn_status kernel_gradient(const pn_conv_shape *shape, const float *dy, const float *x, float *dweight,
                                 void *workspace, size_t workspace_bytes)
{
    struct job job = plan(shape);
    if (job.pass.in == 0 || job.pass.out == 0) return PN_OK;
    if (job.runs.count == 0) {
        memset(dweight, 0, job.pass.out * taps(&job) * job.pass.in * sizeof *dweight);
        return PN_OK;
    }
    size_t partials;
    if (!workspace || workspace_bytes < workspace_for(shape, 1, &partials)) return PN_EWORKSPACE;
    const size_t skip = (ALIGN - (uintptr_t)workspace % ALIGN) % ALIGN;
    job.dy = dy;
    job.x = x;
    job.dweight = dweight;
    job.partials = (float *)((char *)workspace + skip);
    job.lines = (float *)((char *)workspace + skip + partials);
    const size_t members = (workspace_bytes - skip - partials) / (job.line_floats * sizeof(float));
    const pn_status status =
        pn_team_for_members(job.slabs * job.pass.groups * job.chunks, members, task, &job);
    return status == PN_OK ? pn_team_for(job.pass.out, sum_block, &job) : status;
}

pn_status pn_conv2d_grad_weight_f32(const pn_conv_shape *shape, const float *dy, const float *x,
                                    float *dweight, float *dbias, void *workspace, size_t workspace_bytes)
{
    pn_status status = pn_conv_check(shape);
    if (status != PN_OK) return status;
    const struct conv_pass pass = pn_conv_forward(shape);
    const size_t pixels = pass.pictures * pass.out_height * pass.out_width;
    if (pass.out == 0) return PN_OK;
    if ((pass.in > 0 && !dweight) || (pixels > 0 && (!dy || (pass.in > 0 && !x)))) return PN_ENULL;
    status = kernel_gradient(shape, dy, x, dweight, workspace, workspace_bytes);
    if (status != PN_OK || !dbias) return status;
    return pn_sum_rows_f32(pixels, pass.out, 1, dy, dbias, workspace, workspace_bytes);
}
