"""A sequential model of RecBole on a log, in RecBole's own way: seconds an epoch, and the metrics of the last items.

    python bench/peers/recbole_sequential.py LOG [--model SASRec] [--epochs 2] [--threads 2] [--rows 2048] [--dropout 0.5]
                                             [--stopping 10] [--longest 50] [--seed 0]

LOG holds lines "user item item …", or a RecBole .inter; packed with gzip or plain. The protocol is ours: leave one out, every item
ranked, seen ones too. Needs recbole 1.2.1, torch, and numpy below 2, in an environment of their own.
"""
import argparse
import gzip
import json
import os
import tempfile
import time

import torch


def text(path):
    return (gzip.open if path.endswith(".gz") else open)(path, "rt")


def atomic(path, out):
    """Writes what RecBole reads."""
    with text(path) as lines, open(out, "w") as file:
        first = next(lines)
        if ":token" in first:
            file.write(first)
            file.writelines(lines)
            return
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for line in [first, *lines]:
            user, *items = line.split()
            file.writelines(f"{user}\t{item}\t{place}\n" for place, item in enumerate(items))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--model", default="SASRec")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--stopping", type=int, default=10)
    parser.add_argument("--longest", type=int, default=50, help="items of a history that are read")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    # RecBole 1.2.1 loads its own checkpoints, which are more than tensors.
    load = torch.load
    torch.load = lambda *words, **named: load(*words, **{**named, "weights_only": False})
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.abspath(options.log)
        # RecBole writes logs into the folder it is called from.
        os.chdir(folder)
        os.makedirs(f"{folder}/log")
        atomic(path, f"{folder}/log/log.inter")
        config = Config(model=options.model, dataset="log", config_dict={
            "data_path": folder, "checkpoint_dir": folder, "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"},
            "loss_type": "CE", "train_neg_sample_args": None, "MAX_ITEM_LIST_LENGTH": options.longest, "hidden_size": 64,
            "embedding_size": 64, "inner_size": 256, "n_layers": 2, "n_heads": 2, "num_layers": 1,
            "hidden_dropout_prob": options.dropout, "attn_dropout_prob": options.dropout,
            "dropout_prob": options.dropout, "learning_rate": 1e-3, "epochs": options.epochs,
            "train_batch_size": options.rows, "eval_batch_size": 1024, "stopping_step": options.stopping,
            "valid_metric": "NDCG@10", "metrics": ["NDCG", "Recall"], "topk": [10], "seed": options.seed,
            "reproducibility": True, "show_progress": False, "state": "ERROR", "use_gpu": False})
        init_seed(config["seed"], True)
        train, validation, test = data_preparation(config, create_dataset(config))
        model = get_model(config["model"])(config, train.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
        one, seconds = trainer._train_epoch, []

        def timed(*words, **named):
            began = time.perf_counter()
            loss = one(*words, **named)
            seconds.append(time.perf_counter() - began)
            print(f"epoch {len(seconds)} {seconds[-1]:.1f} s loss {loss:.2f}", flush=True)
            return loss

        trainer._train_epoch = timed
        _, best = trainer.fit(train, validation, verbose=False, show_progress=False)
        result = trainer.evaluate(test, show_progress=False)
        os.chdir("/")
    print(json.dumps({"model": options.model, "seconds_an_epoch": sorted(seconds)[len(seconds) // 2],
                      "epochs": len(seconds), "validation": dict(best), "test": dict(result)}))


if __name__ == "__main__":
    main()
