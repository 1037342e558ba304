"""SASRec and ReaRec in lean PyTorch: post-norm blocks, cross-entropy over the catalogue, no padding that can be avoided.

PENCHANT_HISTORIES names the file of `penchant-bench --export-histories FILE`: the number of items, then a line of training
items (from 0) a user. Batches hold histories of like length, and logits exist only for positions that have a target.

SASRec is trained with a target at every position. ReaRec's PRL is trained as the released code does it, one sample a prefix:
keys and values of the items are kept, a thought is one more row, and the noisy view is encoded on its own.
"""
import os

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, LAYERS, HEADS, INNER, LONGEST, DROPOUT = 64, 2, 2, 256, 50, 0.3
ROWS, THOUGHTS, SLICE = 512, 2, 40
TEMPERATURE, DECAY, NOISE = 1.0, 1.5, 0.01


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-12), nn.LayerNorm(WIDTH, 1e-12)
        self.drop = nn.Dropout(DROPOUT)

    def heads(self, x):
        batch, length, _ = x.shape
        return self.qkv(x).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)

    def behind(self, x, mixed):
        x = self.norm1(x + self.drop(self.out(mixed.transpose(1, 2).reshape(x.shape))))
        return self.norm2(x + self.drop(self.down(self.drop(F.gelu(self.up(x))))))

    def forward(self, x):
        q, k, v = self.heads(x)
        return self.behind(x, F.scaled_dot_product_attention(q, k, v, is_causal=True)), k, v


class SASRec(nn.Module):
    def __init__(self, items):
        super().__init__()
        self.items, self.places = nn.Embedding(items, WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.thoughts = nn.Embedding(THOUGHTS, WIDTH)
        for table in (self.items, self.places, self.thoughts):
            nn.init.normal_(table.weight, std=0.02)
        self.norm, self.drop = nn.LayerNorm(WIDTH, 1e-12), nn.Dropout(DROPOUT)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))

    def encode(self, items):
        """Right padding: a causal position never sees what follows."""
        x, kept = self.drop(self.norm(self.items(items) + self.places.weight[: items.shape[1]])), []
        for block in self.blocks:
            x, k, v = block(x)
            kept.append((k, v))
        return x, kept

    def loss(self, items, targets):
        x, _ = self.encode(items)
        kept = targets >= 0
        return F.cross_entropy(x[kept] @ self.items.weight.T, targets[kept])

    def think(self, thought, kept, own, mask):
        """One more row behind every history; `own` holds keys and values of the thoughts before it."""
        x = self.drop(self.norm(thought))[:, None]
        for layer, block in enumerate(self.blocks):
            q, k, v = block.heads(x)
            own[layer].append((k, v))
            keys = torch.cat([kept[layer][0]] + [o[0] for o in own[layer]], 2)
            values = torch.cat([kept[layer][1]] + [o[1] for o in own[layer]], 2)
            seen = F.pad(mask, (0, len(own[layer])), value=True)[:, None, None]
            x = block.behind(x, F.scaled_dot_product_attention(q, keys, values, attn_mask=seen))
        return x[:, 0]

    def progressive(self, items, lengths, targets):
        mask = torch.arange(items.shape[1]) < lengths[:, None]
        x, kept = self.encode(items)
        _, other = self.encode(items)
        rows = torch.arange(len(items))
        states, noisy = [x[rows, lengths - 1]], []
        own, own_other = [[] for _ in self.blocks], [[] for _ in self.blocks]
        for step in range(THOUGHTS):
            thought = states[-1] + self.thoughts.weight[step]
            states.append(self.think(thought, kept, own, mask))
            noisy.append(self.think(thought + NOISE * torch.randn_like(thought), other, own_other, mask))
        loss = 0
        for step, state in enumerate(states):
            temperature = TEMPERATURE * DECAY ** (THOUGHTS - step)
            part = F.cross_entropy(state @ self.items.weight.T / temperature, targets)
            loss = loss + (part if step == THOUGHTS else part / THOUGHTS)
        for clean, view in zip(states[1:], noisy):
            loss = loss + F.cross_entropy(view @ clean.T / TEMPERATURE, rows) / THOUGHTS
        return loss


def histories():
    with open(os.environ["PENCHANT_HISTORIES"]) as lines:
        items = int(next(lines))
        return items, [[int(item) for item in line.split()] for line in lines]


def padded(rows):
    length = max(len(row) for row in rows)
    out = torch.zeros(len(rows), length, dtype=torch.long)
    for place, row in enumerate(rows):
        out[place, : len(row)] = torch.tensor(row)
    return out


def batches(samples, count, rows):
    """Samples of like length, about `rows` targets in a batch, in random order."""
    order = torch.randperm(len(samples)).tolist()
    order.sort(key=lambda place: len(samples[place]))
    found, batch, total = [], [], 0
    for place in order:
        batch.append(samples[place])
        total += count(samples[place])
        if total >= rows:
            found.append(batch)
            batch, total = [], 0
    if batch:
        found.append(batch)
    return [found[place] for place in torch.randperm(len(found)).tolist()]


def cases(peer, threads):
    torch.set_num_threads(threads)
    if peer != "torch":
        return {}

    def train(items, steps):
        model = SASRec(items)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for loss in steps(model):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def epoch():
        items, users = histories()
        users = [user[-LONGEST - 1:] for user in users if len(user) > 1]

        def steps(model):
            for batch in batches(users, lambda user: len(user) - 1, ROWS):
                targets = nn.utils.rnn.pad_sequence(
                    [torch.tensor(user[1:]) for user in batch], batch_first=True, padding_value=-1)
                yield model.loss(padded([user[:-1] for user in batch]), targets)

        return lambda: train(items, steps)

    def prefixes():
        items, users = histories()
        samples = [user[max(0, end - LONGEST): end + 1] for user in users for end in range(1, len(user))]

        def steps(model):
            for batch in batches(samples, lambda sample: 1, ROWS)[:SLICE]:
                lengths = torch.tensor([len(sample) - 1 for sample in batch])
                targets = torch.tensor([sample[-1] for sample in batch])
                yield model.progressive(padded([sample[:-1] for sample in batch]), lengths, targets)

        return lambda: train(items, steps)

    return {"sasrec_epoch d=64 L=50": epoch, f"rearec_prl K=2 d=64 L=50, {SLICE} steps of {ROWS} targets": prefixes}
