"""InPO on points in lean PyTorch: 50 steps of 64 pairs, latents found by inverting with the model itself.

Every pair has a time of its own, as ours; rows that have arrived stay in the batch and are masked, as batched code does it.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

STEPS, PAIRS, TIMES, GRID, BETA, ETA = 50, 64, 1000, 10, 30.0, 0.1


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(66, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 2))
        self.register_buffer("frequencies", torch.exp(-math.log(10000) * torch.arange(32) / 32))

    def forward(self, x, t):
        angle = t[:, None] * self.frequencies
        return self.net(torch.cat([x, angle.cos(), angle.sin()], 1))


def levels():
    root = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, TIMES, dtype=torch.float64)
    return torch.cumprod(1 - root ** 2, 0).float()


@torch.no_grad()
def invert(model, table, x, t):
    for source in range(1 - TIMES // GRID, TIMES, TIMES // GRID):
        active = t > source
        if not active.any():
            break
        target = torch.minimum(torch.tensor(min(source + TIMES // GRID, TIMES - 1)), t)
        a, b = table[max(source, 0)], table[target.clamp(min=0)][:, None]
        eps = model(x, torch.full((len(x),), float(source)))
        new = (b / a).sqrt() * x + b.sqrt() * (((1 - b) / b).sqrt() - ((1 - a) / a).sqrt()) * eps
        spread = ETA * ((1 - a) / (1 - b) * (1 - b / a)).clamp(min=0).sqrt()
        x = torch.where(active[:, None], new + spread * torch.randn_like(x), x)
    return x


def cases(peer, threads):
    torch.set_num_threads(threads)
    if peer != "torch":
        return {}
    table = levels()

    def align():
        ring = torch.randn(4096, 2)
        start = Denoiser()

        def body():
            policy = Denoiser()
            policy.load_state_dict(start.state_dict())
            optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-4, weight_decay=0.01)
            for _ in range(STEPS):
                x0 = ring[torch.randint(0, 4096, (2 * PAIRS,))]
                t = torch.randint(0, TIMES, (PAIRS,)).repeat(2)
                x = invert(policy, table, x0, t)
                level = table[t][:, None]
                tau = (x - level.sqrt() * x0) / (1 - level).sqrt()
                with torch.no_grad():
                    known = (start(x, t.float()) - tau).pow(2).mean(1)
                own = (policy(x, t.float()) - tau).pow(2).mean(1)
                change = own - known
                loss = F.softplus(BETA / 2 * (change[:PAIRS] - change[PAIRS:])).mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
                optimizer.step()

        return body

    def inversion(shrinks):
        def prepare():
            model, x = Denoiser(), torch.randn(1024, 2)
            t = torch.arange(1024) * 977 % 1000 if shrinks else torch.full((1024,), 999)
            return lambda: invert(model, table, x, t)
        return prepare

    return {
        f"inpo_2d {STEPS} steps of {PAIRS} pairs": align,
        "inversion_2d 1024 mixed times": inversion(True),
        "inversion_2d 1024 mixed times, full grid": inversion(False),
    }
