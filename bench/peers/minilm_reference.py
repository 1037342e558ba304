#!/usr/bin/env python3
"""Embeddings of the reference implementation, for the test that compares ours with them.

    bench/peers/minilm_reference.py MODEL_FOLDER PAIRS.jsonl OUT_FOLDER [--count 200]

Takes distinct texts of the pairs, evenly through the file, runs them through transformers' BertModel (mean pooling over
the mask, L2 norm, 256 tokens at most) one by one, and writes texts.json and embeddings.npy. Then:

    PENCHANT_MINILM=MODEL_FOLDER PENCHANT_MINILM_REFERENCE=OUT_FOLDER swift test --filter MiniLM
"""
import argparse
import json
import os

import numpy
import torch
from transformers import BertModel, BertTokenizerFast


def texts_of(path, count):
    with open(path, encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair["chosen"], pair["rejected"])))
    if len(texts) < count:
        raise SystemExit(f"{path}: {len(texts)} distinct texts, {count} are asked for")
    return [texts[i * len(texts) // count] for i in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("pairs")
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    texts = texts_of(arguments.pairs, arguments.count)
    tokenizer = BertTokenizerFast.from_pretrained(arguments.model)
    model = BertModel.from_pretrained(arguments.model).eval()
    rows = []
    with torch.no_grad():
        for text in texts:
            tokens = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
            mean = model(**tokens).last_hidden_state[0].mean(dim=0)
            rows.append(torch.nn.functional.normalize(mean, dim=0).numpy())
    os.makedirs(arguments.out, exist_ok=True)
    numpy.save(os.path.join(arguments.out, "embeddings.npy"), numpy.stack(rows))
    with open(os.path.join(arguments.out, "texts.json"), "w", encoding="utf-8") as file:
        json.dump(texts, file)


main()
