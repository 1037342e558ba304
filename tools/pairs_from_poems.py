#!/usr/bin/env python3
"""Turns the poem judgements (poems.jsonl.gz, pairs.tsv.gz) into two files of pairs.

  pairs_from_poems.py FOLDER OUT       writes OUT/liking.jsonl and OUT/attributes.jsonl

liking.jsonl trains (`penchant train prefpalette --data`), attributes.jsonl teaches its attributes (`--judgements`).
"""
import csv, gzip, json, os, sys

if len(sys.argv) != 3:
    sys.exit(__doc__)
folder, out = sys.argv[1:]
with gzip.open(os.path.join(folder, "poems.jsonl.gz"), "rt") as file:
    poems = {str(poem["poem"]): poem["text"] for poem in map(json.loads, file)}
os.makedirs(out, exist_ok=True)
with gzip.open(os.path.join(folder, "pairs.tsv.gz"), "rt", newline="") as file, \
        open(os.path.join(out, "liking.jsonl"), "w") as liking, \
        open(os.path.join(out, "attributes.jsonl"), "w") as attributes:
    for row in csv.DictReader(file, delimiter="\t"):
        texts = [poems[row["p1"]], poems[row["p2"]]]
        for name, choice in list(row.items())[3:]:
            if choice not in ("1", "2"):
                continue
            first = int(choice) - 1
            pair = {"chosen": texts[first], "rejected": texts[1 - first]}
            if name == "liking":
                liking.write(json.dumps(pair, ensure_ascii=False) + "\n")
            else:
                attributes.write(json.dumps({"attribute": name} | pair, ensure_ascii=False) + "\n")
