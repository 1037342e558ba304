/* Forward and the gradient of the input: products of lines with the packed kernel. */
#include "lines.h"

/* Columns of the kernel that stay in the L2 beside a line. */
#define CHUNK ((size_t)192)
/* Products of a task: some 20 us, so that small pictures make work for a few threads. */
#define TASK_WORK ((size_t)1 << 20)
/* More tasks than this only cost. */
#define TASKS ((size_t)256)
#define ALIGN ((size_t)64)

struct job {
    const struct pn_gemm_kernels *kernels;
    struct conv_pass pass;
    bool add;
    const float *x, *weight, *bias;
    float *y;
    size_t strips;                    /* of the kernel: vectors of `out` columns */
    size_t group_floats, part_floats; /* of the packed kernel */
    size_t chunks;                    /* of columns */
    size_t task_runs, part_tasks;
    float *packed, *lines;
    size_t line_floats; /* a member */
};

/* An odd number of vectors, so that strips do not share cache sets. */
static size_t strip_floats(const struct job *job, size_t products)
{
    return (products | 1) * job->kernels->lanes;
}

static size_t part_products(const struct conv_part *part)
{
    return part->y.taps * part->x.taps;
}

static struct job plan(const struct conv_pass *pass)
{
    struct job job = { .kernels = pn_gemm_kernels_now(), .pass = *pass };
    const struct conv_part part = pn_conv_largest(pass);
    const struct conv_runs runs = pn_conv_runs(pass, &part);
    job.strips = pn_ceil_div(pass->out, job.kernels->lanes);
    job.group_floats = job.strips * strip_floats(&job, part_products(&part) * pass->group);
    job.part_floats = pass->groups * job.group_floats;
    job.line_floats = pn_ceil_div(pn_conv_line_floats(pass) * sizeof(float), ALIGN) * ALIGN / sizeof(float);
    job.chunks = pn_ceil_div(pass->out, CHUNK);

    const size_t run_work =
        pn_max(runs.lines * runs.columns * part_products(&part) * pass->in, 1) * pn_min(CHUNK, pass->out);
    const size_t enough = pn_ceil_div(runs.count * job.chunks * pn_conv_parts(pass), TASKS);
    job.task_runs = pn_max(pn_max(TASK_WORK / run_work, 1), enough);
    job.part_tasks = pn_ceil_div(runs.count, job.task_runs) * job.chunks;
    return job;
}

static size_t workspace_for(const struct conv_pass *pass, size_t members)
{
    if (pass->pictures == 0 || pass->out == 0) return 0;
    const struct job job = plan(pass);
    size_t bytes = ALIGN;
    if (!pn_add_part(&bytes, pn_conv_parts(pass), job.part_floats, sizeof(float)) ||
        !pn_add_part(&bytes, members, job.line_floats, sizeof(float)))
        return SIZE_MAX;
    return bytes;
}

/* Strip s of group g of a part, in the order of the lines: [taps of x][taps of y][channels]. */
static void pack(void *context, size_t block)
{
    const struct job *job = context;
    const struct conv_pass *pass = &job->pass;
    const size_t s = block % job->strips, g = block / job->strips % pass->groups;
    const size_t p = block / job->strips / pass->groups;
    const struct conv_part part = pn_conv_part(pass, p);
    const size_t channels = pn_conv_channels(pass, g), products = part_products(&part) * channels;
    const size_t lanes = job->kernels->lanes, column = s * lanes, columns = pn_min(lanes, pass->out - column);
    float *to = job->packed + p * job->part_floats + g * job->group_floats + s * strip_floats(job, products);
    const size_t taps = pass->kernel * pass->kernel;
    if (channels == 0) return;
    for (size_t u = 0; u < part.x.taps; ++u)
        for (size_t t = 0; t < part.y.taps; ++t, to += channels * lanes) {
            const size_t row = (size_t)((ptrdiff_t)part.y.tap + (ptrdiff_t)t * pass->tap_step);
            const size_t tap =
                row * pass->kernel + (size_t)((ptrdiff_t)part.x.tap + (ptrdiff_t)u * pass->tap_step);
            if (pass->tap_step > 0) /* weight [out, taps, in] */
                job->kernels->strip_transpose(
                    channels, columns, job->weight + (column * taps + tap) * pass->in + g * pass->group,
                    taps * pass->in, to, lanes);
            else /* weight [in, taps, out] of this pass */
                job->kernels->strips_copy(channels, columns,
                                          job->weight + (g * pass->group * taps + tap) * pass->out + column,
                                          taps * pass->out, to, channels * lanes);
        }
}

/* One run, one group of channels, columns first ... first + columns - 1 of y. */
static void multiply(const struct job *job, const struct conv_part *part, const struct conv_line *line,
                     size_t g, const float *operand, const float *strips, size_t first, size_t columns)
{
    const struct conv_pass *pass = &job->pass;
    const struct pn_gemm_kernels *kernels = job->kernels;
    const size_t products = part_products(part) * pn_conv_channels(pass, g);
    const struct pn_gemm_vectors b = { strips + first / kernels->lanes * strip_floats(job, products),
                                       strip_floats(job, products), kernels->lanes, false };
    const size_t panels = pn_ceil_div(line->pixels, kernels->rows), ldc = pass->spacing * pass->out;
    float *y = job->y + line->first * pass->out + first;
    for (size_t panel = 0; panel < panels; ++panel) {
        const size_t i = panel * line->pixels / panels, rows = (panel + 1) * line->pixels / panels - i;
        const struct pn_tile_out out = {
            .c = y + i * ldc,
            .ldc = ldc,
            .alpha = 1,
            .beta = g > 0 || job->add ? 1 : 0,
            .column_bias = job->bias && g + 1 == pass->groups ? job->bias + first : NULL,
        };
        pn_gemm_tiles(kernels, kernels->by_rows[rows - 1], columns, products, operand + i * line->stride,
                      line->stride, b, &out);
    }
}

static void task(void *context, size_t index, size_t member)
{
    const struct job *job = context;
    const struct conv_pass *pass = &job->pass;
    const size_t p = index / job->part_tasks, place = index % job->part_tasks;
    const struct conv_part part = pn_conv_part(pass, p);
    const struct conv_runs runs = pn_conv_runs(pass, &part);
    const size_t first = place % job->chunks * CHUNK, columns = pn_min(CHUNK, pass->out - first);
    const size_t begin = place / job->chunks * job->task_runs,
                 end = pn_min(begin + job->task_runs, runs.count);
    float *operand = job->lines + member * job->line_floats;
    for (size_t g = 0; g < pass->groups; ++g)
        for (size_t r = begin; r < end; ++r) {
            const struct conv_line line = pn_conv_gather(pass, &part, &runs, r, g, job->x, operand);
            multiply(job, &part, &line, g, operand,
                     job->packed + p * job->part_floats + g * job->group_floats, first, columns);
        }
}

static pn_status run(struct job *job, void *workspace, size_t workspace_bytes)
{
    const struct conv_pass *pass = &job->pass;
    const size_t parts = pn_conv_parts(pass);
    if (!workspace || workspace_bytes < workspace_for(pass, 1)) return PN_EWORKSPACE;
    const size_t skip = (ALIGN - (uintptr_t)workspace % ALIGN) % ALIGN;
    job->packed = (float *)((char *)workspace + skip);
    job->lines =
        job->packed + pn_ceil_div(parts * job->part_floats * sizeof(float), ALIGN) * ALIGN / sizeof(float);
    const size_t used = (size_t)((char *)job->lines - (char *)workspace);
    const size_t members = (workspace_bytes - used) / (job->line_floats * sizeof(float));
    const pn_status status = pn_team_for(parts * pass->groups * job->strips, pack, job);
    if (status != PN_OK) return status;
    return pn_team_for_members(parts * job->part_tasks, members, task, job);
}

size_t pn_conv2d_workspace(const pn_conv_shape *shape)
{
    if (pn_conv_check(shape) != PN_OK) return SIZE_MAX;
    const struct conv_pass pass = pn_conv_forward(shape);
    return workspace_for(&pass, pn_team_size());
}

pn_status pn_conv2d_f32(const pn_conv_shape *shape, bool add, const float *x, const float *weight,
                        const float *bias, float *y, void *workspace, size_t workspace_bytes)
{
    const pn_status status = pn_conv_check(shape);
    if (status != PN_OK) return status;
    if (shape->pictures == 0 || shape->out == 0) return PN_OK;
    if (!y || (shape->in > 0 && (!x || !weight))) return PN_ENULL;
    const struct conv_pass pass = pn_conv_forward(shape);
    struct job job = plan(&pass);
    job.add = add;
    job.x = x;
    job.weight = weight;
    job.bias = bias;
    job.y = y;
    return run(&job, workspace, workspace_bytes);
}

size_t pn_conv2d_grad_input_workspace(const pn_conv_shape *shape)
{
    if (pn_conv_check(shape) != PN_OK) return SIZE_MAX;
    const struct conv_pass pass = pn_conv_backward(shape);
    return workspace_for(&pass, pn_team_size());
}

pn_status pn_conv2d_grad_input_f32(const pn_conv_shape *shape, bool add, const float *dy, const float *weight,
                                   float *dx, void *workspace, size_t workspace_bytes)
{
    const pn_status status = pn_conv_check(shape);
    if (status != PN_OK) return status;
    const struct conv_pass pass = pn_conv_backward(shape);
    if (pass.pictures == 0 || pass.out_height == 0 || pass.out_width == 0 || pass.out == 0) return PN_OK;
    if (!dx || (shape->out > 0 && (!dy || !weight))) return PN_ENULL;
    /* With a stride above the kernel some pixels of x are never read. */
    if (!add && shape->stride > shape->kernel)
        memset(dx, 0, pass.pictures * pass.out_height * pass.out_width * pass.out * sizeof *dx);
    struct job job = plan(&pass);
    job.add = add;
    job.x = dy;
    job.weight = weight;
    job.y = dx;
    return run(&job, workspace, workspace_bytes);
}
