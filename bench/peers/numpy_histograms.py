"""Rate of two ways to make 32 x 32 histograms of gene pairs with numpy, one JSON line.

    numpy_histograms.py CELLS DENSITY SECONDS

histogram2d: CNNC's own way, both genes' logarithms and edges for every pair.
bincount:    bins ready made, in the type that bincount needs no conversion for; only the pair is counted.
"""

import json
import sys
import time

import numpy as np

GENES = 16


def simulated_genes(cells, density):
    """GENES x cells of linear expression with log-normal densities around `density`."""
    random = np.random.default_rng(1)
    densities = np.exp(0.8 * random.standard_normal(GENES))
    for _ in range(50):
        densities = np.minimum(0.98, densities * density / densities.mean())
    expressed = random.random((GENES, cells)) < densities[:, None]
    return np.where(expressed, random.geometric(0.3, (GENES, cells)) * 1.5, 0.0)


def histogram2d(a, b):
    return np.histogram2d(np.log10(a + 10**-2), np.log10(b + 10**-2), bins=32)[0].T


def bincount(a, b_times_32):
    return np.bincount(b_times_32 + a, minlength=1024).reshape(32, 32)


def bins_of(gene):
    values = np.log10(gene + 10**-2)
    edges = np.linspace(values.min(), values.max(), 33)
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 31).astype(np.intp)


def pairs_per_second(count, a, b, seconds):
    pairs = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        count(a[pairs % GENES], b[(pairs * 7 + 1) % GENES])
        pairs += 1
    return pairs / elapsed


def main():
    cells, density, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    genes = simulated_genes(cells, density)
    bins = [bins_of(gene) for gene in genes]
    rows = [32 * gene for gene in bins]
    assert (histogram2d(genes[0], genes[1]) == bincount(bins[0], rows[1])).all()
    print(json.dumps({
        "histogram2d": pairs_per_second(histogram2d, genes, genes, seconds),
        "bincount": pairs_per_second(bincount, bins, rows, seconds),
    }))


main()
