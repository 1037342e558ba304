#!/usr/bin/env python3
"""One peer, answering bench/compare on standard input and output.

    worker.py --peer torch|compile|jax|faiss|minilm --threads N

Protocol, one line each way (Sources/KernelBench/Worker.swift speaks it too):

    prepare NAME      {"ready": true, "memory_mb": peak growth up to the end of two calls}, or {"error": "..."}
    sample SECONDS    {"times": [seconds ...], "clean": [true ...]}

A sample is clean when the process was not preempted during it. Only the wanted library is imported.
"""
import argparse
import importlib
import json
import os
import resource
import sys
import time


def memory(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def preemptions():
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


class Timed:
    def __init__(self, body):
        self.body = body
        body()
        begin = time.perf_counter()
        body()
        once = max(time.perf_counter() - begin, 1e-7)
        self.repeats = max(1, int(1e-3 / once))

    def sample(self, seconds):
        times, clean = [], []
        stop = time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < stop:
            before = preemptions()
            begin = time.perf_counter()
            for _ in range(self.repeats):
                self.body()
            times.append((time.perf_counter() - begin) / self.repeats)
            clean.append(preemptions() == before)
        return {"times": times, "clean": clean}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, choices=["torch", "compile", "jax", "faiss", "minilm"])
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    # A pool sizes itself when its library is imported, so this comes first. JAX has no setting: it counts processors.
    if arguments.threads == 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(arguments.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    answers = sys.stdout
    sys.stdout = sys.stderr  # a library that prints does not disturb the protocol

    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    torch_modules = ("torch", "palette", "sequence", "alignment", "policy")
    modules = torch_modules if arguments.peer in ("torch", "compile") else (arguments.peer,)
    cases, timed = None, None
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        try:
            if command == "prepare":
                timed = None
                if cases is None:
                    cases = {}
                    for module in modules:
                        library = importlib.import_module(module + "_cases")
                        cases.update(library.cases(arguments.peer, arguments.threads))
                if rest not in cases:
                    raise KeyError("no case " + rest)
                with open("/proc/self/clear_refs", "w") as file:
                    file.write("5")
                before = memory("VmRSS")
                timed = Timed(cases[rest]())
                answer = {"ready": True, "memory_mb": memory("VmHWM") - before}
            elif command == "sample" and timed:
                answer = timed.sample(float(rest))
            else:
                answer = {"error": "not understood: " + line.strip()}
        except Exception as error:  # a peer that cannot do a case is a result too
            answer = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
