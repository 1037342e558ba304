"""One SASRec epoch in lean PyTorch: post-norm blocks, a target at every position, cross-entropy over the catalogue.

    python bench/peers/sasrec_epoch.py sequences.txt.gz [--epochs 3] [--threads 2] [--rows 2048]

Lines of the file are "user item item ..."; the last two items of a user are held out. Batches hold histories of like
length, so padding costs little; logits exist only for positions that have a target. Prints seconds per epoch and loss.
"""
import argparse
import gzip
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads, inner, dropout):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-12), nn.LayerNorm(width, 1e-12)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = self.norm1(x + self.drop(self.out(mixed.transpose(1, 2).reshape(batch, length, width))))
        return self.norm2(x + self.drop(self.down(self.drop(F.gelu(self.up(x))))))


class SASRec(nn.Module):
    def __init__(self, items, width=64, layers=2, heads=2, inner=256, longest=50, dropout=0.5):
        super().__init__()
        self.items, self.places = nn.Embedding(items, width), nn.Embedding(longest, width)
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.norm, self.drop = nn.LayerNorm(width, 1e-12), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, inner, dropout) for _ in range(layers))

    def forward(self, items, targets):
        # Right padding: a causal position never sees what follows, and padded targets are -1.
        x = self.drop(self.norm(self.items(items) + self.places.weight[: items.shape[1]]))
        for block in self.blocks:
            x = block(x)
        kept = targets >= 0
        return F.cross_entropy(x[kept] @ self.items.weight.T, targets[kept])


def batches(sequences, rows):
    """Histories of like length, about `rows` targets each, in random order."""
    order = torch.randperm(len(sequences)).tolist()
    order.sort(key=lambda user: len(sequences[user]))
    found, batch, count = [], [], 0
    for user in order:
        batch.append(sequences[user])
        count += len(sequences[user]) - 1
        if count >= rows:
            found.append(batch)
            batch, count = [], 0
    if batch:
        found.append(batch)
    return [found[i] for i in torch.randperm(len(found)).tolist()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2048)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    with gzip.open(options.file, "rt") as lines:
        users = [[int(item) - 1 for item in line.split()[1:]] for line in lines]
    model = SASRec(1 + max(max(user) for user in users))
    sequences = [user[:-2][-51:] for user in users if len(user) > 3]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(options.epochs):
        started, total, steps = time.perf_counter(), 0.0, 0
        for batch in batches(sequences, options.rows):
            length = max(len(user) for user in batch) - 1
            items = torch.zeros(len(batch), length, dtype=torch.long)
            targets = torch.full((len(batch), length), -1)
            for row, user in enumerate(batch):
                items[row, : len(user) - 1] = torch.tensor(user[:-1])
                targets[row, : len(user) - 1] = torch.tensor(user[1:])
            loss = model(items, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            steps += 1
        print(f"epoch {epoch} {time.perf_counter() - started:.2f} s loss {total / steps:.4f}", flush=True)


if __name__ == "__main__":
    main()
