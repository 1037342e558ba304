"""The cases in PyTorch: eager, or compiled whole where that is possible."""
import math

import torch
from torch import nn
from torch.nn import functional as F

PAIRS = 10**6


class Block(nn.Module):
    """SASRec's block: attention and a two-layer network of the same width, normalised before each."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.relu(self.up(self.norm2(x))))


class SASRec(nn.Module):
    def __init__(self, items, width, heads, last_only):
        super().__init__()
        self.last_only = last_only
        self.items = nn.Embedding(items, width)
        nn.init.normal_(self.items.weight, std=0.02)
        self.places = nn.Parameter(torch.randn(50, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(2))
        self.norm = nn.LayerNorm(width)

    def forward(self, x, target):
        h = self.items(x) + self.places
        for block in self.blocks:
            h = block(h)
        if self.last_only:
            h, target = h[:, -1:], target[:, -1:]
        h = self.norm(h)
        logits = h.reshape(-1, h.shape[-1]) @ self.items.weight.T
        return F.cross_entropy(logits, target.reshape(-1))


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in ((34, 128), (128, 128), (128, 128), (128, 2)))

    def forward(self, x, time):
        h = torch.cat([x, time], 1)
        for layer in self.layers[:-1]:
            h = F.silu(layer(h))
        return self.layers[-1](h)


class ResidualBlock(nn.Module):
    """Norm, SiLU, convolution, twice; the second norm scaled and shifted by the embedding (Dhariwal & Nichol 2021)."""

    def __init__(self, inputs, outputs, embedding, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * outputs)
        self.norm2, self.conv2 = nn.GroupNorm(groups, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, embedding):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        h = F.silu(self.norm2(h) * (1 + scale) + shift)
        return self.conv2(h) + self.skip(x)


class PictureAttention(nn.Module):
    def __init__(self, channels, heads, groups):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x):
        batch, channels, height, width = x.shape
        h = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(h).view(batch, -1, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, -1, channels)
        return x + self.out(h).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    """The class-conditional network of PenchantNN: one residual block a level and side, averages downwards."""

    def __init__(self, size, widths, attention, heads, waves, embedding, classes, groups=8, middle=1):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(waves, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.classes = nn.Embedding(classes + 1, embedding)
        self.input = nn.Conv2d(1, widths[0], 3, padding=1)

        def stage(inputs, outputs, attends):
            return nn.ModuleList([ResidualBlock(inputs, outputs, embedding, groups)] + (
                [PictureAttention(outputs, heads, groups)] if attends else []))

        sides = [size >> level for level in range(len(widths))]
        before = [widths[0]] + widths[:-1]
        self.down = nn.ModuleList(
            stage(b, w, side in attention) for b, w, side in zip(before, widths, sides))
        self.middle = nn.ModuleList(stage(widths[-1], widths[-1], i == 0) for i in range(middle))
        above = widths[1:] + [widths[-1]]
        self.up = nn.ModuleList(stage(a + w, w, side in attention) for a, w, side in zip(above, widths, sides))
        self.widen = nn.ModuleList(nn.Conv2d(w, w, 3, padding=1) for w in widths[1:])
        self.norm, self.output = nn.GroupNorm(groups, widths[0]), nn.Conv2d(widths[0], 1, 3, padding=1)

    def forward(self, x, waves, classes):
        embedding = F.silu(self.time(waves) + self.classes(classes))

        def run(stage, h):
            h = stage[0](h, embedding)
            return stage[1](h) if len(stage) > 1 else h

        h, skips = self.input(x), []
        for level, stage in enumerate(self.down):
            h = run(stage, F.avg_pool2d(h, 2) if level else h)
            skips.append(h)
        for stage in self.middle:
            h = run(stage, h)
        for level in reversed(range(len(self.up))):
            h = run(self.up[level], torch.cat([h, skips[level]], 1))
            if level:
                h = self.widen[level - 1](F.interpolate(h, scale_factor=2, mode="nearest"))
        return self.output(F.silu(self.norm(h)))


def cases(peer, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    wrap = torch.compile if peer == "compile" else (lambda f: f)
    table = {}

    def case(name):
        return lambda make: table.setdefault(name, make)

    def training(model, loss):
        """A whole step: gradients cleared, forward, backward, one fused Adam."""
        adam = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

        def step():
            adam.zero_grad(set_to_none=True)
            loss().backward()
            adam.step()

        return step

    @case("dpo_loss n=1e6")
    def _():
        logps = [torch.randn(PAIRS, requires_grad=i < 2) for i in range(4)]
        loss = wrap(lambda pc, pr, rc, rr: -F.logsigmoid(0.1 * ((pc - pr) - (rc - rr))).mean())
        return lambda: torch.autograd.grad(loss(*logps), logps[:2])

    @case("bt_loss n=1e6")
    def _():
        margin = torch.randn(PAIRS, requires_grad=True)
        loss = wrap(lambda margin: -F.logsigmoid(margin).mean())
        return lambda: torch.autograd.grad(loss(margin), margin)

    @case("attr_attention B=65536 A=19 d=64")
    def _():
        texts = torch.randn(65536, 19, 64, requires_grad=True)
        queries = torch.randn(45, 64, requires_grad=True)
        community = torch.randint(0, 45, (65536,))
        upstream = torch.randn(65536, 64)

        def forward(texts, queries):
            weights = torch.softmax(torch.einsum("bad,bd->ba", texts, queries[community]) * 0.125, -1)
            return torch.einsum("ba,bad->bd", weights, texts)

        forward = wrap(forward)
        return lambda: torch.autograd.grad(forward(texts, queries), (texts, queries), upstream)

    def mlp(batch):
        def make():
            model = nn.Sequential(
                nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1))
            x, y = torch.randn(batch, 256), torch.randint(0, 2, (batch, 1)).float()
            return training(model, wrap(lambda: F.binary_cross_entropy_with_logits(model(x), y)))

        return make

    for batch in (32, 256, 4096):
        table[f"mlp_step 256-512-512-1 B={batch}"] = mlp(batch)

    def sasrec(items, where):
        def make():
            model = SASRec(items, 64, 1, where == "last")
            x, y = torch.randint(0, items, (128, 50)), torch.randint(0, items, (128, 50))
            forward = wrap(model)
            return training(model, lambda: forward(x, y))

        return make

    for items, where in ((3706, "all"), (50000, "last"), (50000, "all")):
        table[f"sasrec_step B=128 L=50 d=64 V={items} softmax={where}"] = sasrec(items, where)

    @case("em_noise n=1e6")
    def _():
        margin = torch.randn(PAIRS)

        def update(margin):
            right = 0.8 * torch.sigmoid(margin)
            weight = right / (right + 0.2 * torch.sigmoid(-margin))
            return weight, 1 - weight.mean()

        update = wrap(update)
        return lambda: update(margin)

    @case("lcpo_step n=1e7")
    def _():
        logits, right = torch.randn(10 * PAIRS), 1.3862944

        def step(logits):
            # The gradient by its formula: what a careful user writes, and cheaper than the graph of the loss.
            weight = torch.sigmoid(logits + right)
            agree, differ = F.logsigmoid(logits) + math.log(0.8), F.logsigmoid(-logits) + math.log(0.2)
            return -torch.logaddexp(agree, differ).mean(), torch.sigmoid(logits) - weight, weight, weight.mean()

        step = wrap(step)
        return lambda: step(logits)

    @case("em_mixture n=1e6 K=8")
    def _():
        margin, prior = torch.randn(PAIRS, 8), torch.log(torch.full((8,), 0.125))

        def update(margin, prior):
            weight = torch.softmax(prior + F.logsigmoid(margin), -1)
            return weight, weight.mean(0)

        update = wrap(update)
        return lambda: update(margin, prior)

    @case("ddim_inversion 16x4x64x64")
    def _():
        x, noise = torch.randn(16, 4, 64, 64), torch.randn(16, 4, 64, 64)
        now, then = 0.81, 0.79
        move = wrap(
            lambda x, noise: then**0.5 * ((x - (1 - now) ** 0.5 * noise) / now**0.5) + (1 - then) ** 0.5 * noise)
        return lambda: move(x, noise)

    @case("denoiser_2d_train B=4096")
    def _():
        model = Denoiser()
        x, time, target = torch.randn(4096, 2), torch.randn(4096, 32), torch.randn(4096, 2)
        return training(model, wrap(lambda: F.mse_loss(model(x, time), target)))

    # Channels last, the faster of the two layouts for these sizes.
    def pictures(*shape):
        return torch.randn(*shape).contiguous(memory_format=torch.channels_last)

    def convolution(train):
        def make():
            layer = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
            x, upstream = pictures(16, 64, 32, 32).requires_grad_(train), pictures(16, 64, 32, 32)
            forward = wrap(layer)
            if train:
                return lambda: torch.autograd.grad(forward(x), [x, *layer.parameters()], upstream)

            def run():
                with torch.no_grad():
                    forward(x)

            return run

        return make

    table["conv2d 16x32x32 64-64 k=3"] = convolution(False)
    table["conv2d_train 16x32x32 64-64 k=3"] = convolution(True)

    def group_norm(train):
        def make():
            norm = nn.GroupNorm(8, 64)
            film = torch.randn(16, 128, requires_grad=train)
            x, upstream = pictures(16, 64, 32, 32).requires_grad_(train), pictures(16, 64, 32, 32)

            def forward(x, film):
                scale, shift = film[:, :, None, None].chunk(2, 1)
                return F.silu(norm(x) * (1 + scale) + shift)

            forward = wrap(forward)
            if train:
                return lambda: torch.autograd.grad(forward(x, film), [x, film, *norm.parameters()], upstream)

            def run():
                with torch.no_grad():
                    forward(x, film)

            return run

        return make

    table["group_norm_silu 16x32x32x64 G=8"] = group_norm(False)
    table["group_norm_silu_train 16x32x32x64 G=8"] = group_norm(True)

    def unet(batch, size, waves, **configuration):
        def make():
            model = UNet(size, waves=waves, classes=10, **configuration).to(memory_format=torch.channels_last)
            x, noise = pictures(batch, 1, size, size), pictures(batch, 1, size, size)
            times, classes = torch.randn(batch, waves), torch.randint(0, 10, (batch,))
            return training(model, wrap(lambda: F.mse_loss(model(x, times, classes), noise)))

        return make

    table["unet_step digits B=48"] = unet(
        48, 8, 16, widths=[16, 32], attention=[], heads=1, embedding=64)
    table["unet_step mnist B=32"] = unet(
        32, 28, 64, widths=[32, 64, 64], attention=[7], heads=2, embedding=128, middle=2)

    @case("topk10 Q=64 N=1e6 d=128")
    def _():
        if peer == "compile":
            raise NotImplementedError("a product and a selection: nothing to compile")
        items, queries = torch.randn(10**6, 128), torch.randn(64, 128)
        return lambda: torch.topk(queries @ items.T, 10)

    return table
