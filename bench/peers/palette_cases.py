"""PrefPalette's pooled signed model in PyTorch: the same texts, pairs, first parameters, batches and learning rates.

PENCHANT_PALETTE names the file of `penchant-bench --export-palette FILE`. Before a training is timed its first steps are
taken and their losses compared with those in the file: a case fails when one differs by more than 1e-4.

Texts are made from the sequence of bench/Sources/KernelBench/Buffer.swift. Representations hold values that bfloat16 can
hold, in float: PyTorch is faster so.
"""
import json
import os

import numpy as np
import torch
from torch.nn import functional as F

N, C, D, K, M, R = 100_000, 45, 64, 19, 64, 16
ROW = R + D + K
CHECKED, TOLERANCE = 40, 1e-4


def bits(count, seed):
    """SplitMix64 from `seed`, in parts: 121 million numbers are needed."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        start = np.uint64(seed) * golden
        for first in range(0, count, 1 << 22):
            place = np.arange(first + 1, min(first + (1 << 22), count) + 1, dtype=np.uint64)
            z = start + place * golden
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            yield first, z ^ (z >> np.uint64(31))


def normal(shape, seed, scale=1.0, bfloat16=False):
    out = np.empty(int(np.prod(shape)), np.float32)
    for first, z in bits(out.size, seed):
        total = sum(((z >> np.uint64(16 * i)) & np.uint64(0xFFFF)).astype(np.float32) for i in range(4))
        values = (total / np.float32(65535) - np.float32(2)) * np.float32(1.7320508) * np.float32(scale)
        if bfloat16:
            word = values.view(np.uint32)
            word = (word + np.uint32(0x7FFF) + (word >> np.uint32(16) & np.uint32(1))) & np.uint32(0xFFFF0000)
            values = word.view(np.float32)
        out[first:first + z.size] = values
    return torch.from_numpy(out.reshape(shape))


def exported():
    """The tensors of a safetensors file."""
    with open(os.environ["PENCHANT_PALETTE"], "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    types = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U32": np.uint32}
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items() if name != "__metadata__"}


class Palette:
    """R = reward_c . h + beta K sum_i alpha_i direction_ci s_i, alpha = softmax_i w . tanh(W_q h + query_c + W_f e_i)."""

    def __init__(self, parameters):
        sizes = (R * D, R * M, R, 1, ROW, C * ROW)
        parts = torch.from_numpy(np.array(parameters, np.float32)).split(sizes)
        shapes = ((R, D), (R, M), (R,), (1,), (ROW,), (C, ROW))
        self.parts = [p.clone().reshape(s).requires_grad_() for p, s in zip(parts, shapes)]

    def forward(self, h, E, s, row, use=True):
        W_q, W_f, w, beta = self.parts[:4]
        query, reward, direction = row.split((R, D, K), -1)
        content = (h * reward).sum(-1)
        if not use:
            return content
        q = h @ W_q.T + query
        alpha = torch.softmax(torch.tanh(E @ W_f.T + q[:, None]) @ w, -1)
        return content + beta * K * (alpha * direction * s).sum(-1)

    def loss(self, h, E, s, community, use):
        """Of pairs: the chosen texts, then the rejected ones. ridge / 2 = 1e-4 on the rows of communities."""
        shared, rows = self.parts[4:]
        row = (shared + rows[community]).repeat(2, 1)
        chosen, rejected = self.forward(h, E, s, row, use).chunk(2)
        return F.softplus(rejected - chosen).mean() + 1e-4 * rows.square().sum()


def cases(peer, threads):
    torch.set_num_threads(threads)
    wrap = torch.compile if peer == "compile" else (lambda f: f)
    table = {}

    def texts():
        return normal((N, D), 1), normal((N, K, M), 3, 0.3, bfloat16=True), normal((N, K), 2)

    def training(epochs):
        def make():
            run = exported()
            h, E, s = texts()
            chosen, rejected, owner = (torch.from_numpy(run[n].astype(np.int64)) for n in ("chosen", "rejected", "community"))
            batches = torch.from_numpy(run["batches"].astype(np.int64))
            uses, rates, losses = run["uses_attributes"].tolist(), run["learning_rate"].tolist(), run["loss"].tolist()

            def train(steps):
                model = Palette(run["parameters"])
                # Compiled once: the function takes the parameters as arguments.
                adam = torch.optim.AdamW(model.parts, betas=(0.9, 0.95), weight_decay=0, fused=True)
                found = []
                for step in range(steps):
                    pairs = batches[step]
                    places = torch.cat([chosen[pairs], rejected[pairs]])
                    adam.param_groups[0]["lr"] = rates[step]
                    adam.zero_grad(set_to_none=True)
                    loss = step_loss(*model.parts, h[places], E[places], s[places], owner[pairs], bool(uses[step]))
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(model.parts, 1.0)
                    adam.step()
                    found.append(loss.detach())
                return torch.stack(found)

            def plain(W_q, W_f, w, beta, shared, rows, h, E, s, community, use):
                model = Palette.__new__(Palette)
                model.parts = [W_q, W_f, w, beta, shared, rows]
                return model.loss(h, E, s, community, use)

            step_loss = wrap(plain)
            distance = (train(CHECKED).double() - torch.tensor(losses[:CHECKED])).abs().max().item()
            if not distance < TOLERANCE:
                raise ValueError(f"not the same training: losses of the first {CHECKED} steps differ by {distance}")
            steps = len(losses) * epochs // 8
            return lambda: train(steps)

        return make

    for epochs in (1, 8):
        table[f"palette_train C=45 P=90000 K=19 m=64 epochs={epochs}"] = training(epochs)

    def scoring(shared):
        def make():
            h, E, s = texts()
            model = Palette(normal((R * D + R * M + R + 1 + (C + 1) * ROW,), 9, 0.2))
            W_q, W_f, w, beta, common, rows = (p.detach() for p in model.parts)
            rows = common + rows
            query, reward, direction = rows.split((R, D, K), -1)

            def together(h, E, s):
                """Keys once; [texts, K, C, R] is made for a part of the texts at a time."""
                keys = E @ W_f.T + (h @ W_q.T)[:, None]
                alpha = torch.softmax(torch.tanh(keys[:, :, None] + query) @ w, 1)
                return h @ reward.T + beta * K * torch.einsum("nic,ci,ni->nc", alpha, direction, s)

            def alone(h, E, s, row):
                return model.forward(h, E, s, row)

            one = wrap(together if shared else alone)
            part = 250 if shared else 2000

            @torch.no_grad()
            def run():
                if shared:
                    return torch.cat([one(h[i:i + part], E[i:i + part], s[i:i + part]) for i in range(0, N, part)])
                return [
                    torch.cat([one(h[i:i + part], E[i:i + part], s[i:i + part], row) for i in range(0, N, part)])
                    for row in rows]

            return run

        return make

    table["palette_multi N=1e5 C=45 K=19 m=64"] = scoring(True)
    table["palette_loop N=1e5 C=45 K=19 m=64"] = scoring(False)
    return table
