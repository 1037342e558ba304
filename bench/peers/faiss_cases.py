"""Flat search in faiss with block sizes that suit this case: its defaults are several times slower."""
import faiss
import numpy as np


def cases(peer, threads):
    faiss.omp_set_num_threads(threads)

    def topk():
        random = np.random.default_rng(0)
        items = random.standard_normal((10**6, 128), dtype=np.float32)
        queries = random.standard_normal((64, 128), dtype=np.float32)
        index = faiss.IndexFlatIP(128)
        index.add(items)
        faiss.cvar.distance_compute_blas_threshold = 20
        faiss.cvar.distance_compute_blas_database_bs = 16384
        return lambda: index.search(queries, 10)

    return {"topk10 Q=64 N=1e6 d=128": topk}
