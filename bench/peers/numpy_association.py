"""Association measures of all gene pairs with numpy, scipy and scikit-learn, one JSON line.

    numpy_association.py MEASURE COUNTS CELLS GENES SAMPLE OUT

COUNTS: float32, cells x genes. Timed is what follows from the linear expression, genes x cells in float64:
pearson             log10(x + 0.01) and numpy.corrcoef
spearman            scipy.stats.rankdata and numpy.corrcoef
mutual-information  sklearn.metrics.mutual_info_score of contingency tables that numpy.bincount makes of ready bins;
                    of SAMPLE pairs, and `seconds` is extrapolated to all
partial-correlation numpy.corrcoef, lambda by matrix products, and numpy.linalg.inv

OUT gets the result of all pairs i < j in order as float32; of mutual information that of every so-many-th pair.
"""

import json
import sys
import time

import numpy as np
import scipy
import sklearn
from scipy.stats import rankdata
from sklearn.metrics import mutual_info_score


def linear_expression(path, cells, genes):
    counts = np.fromfile(path, np.float32).reshape(cells, genes).astype(float)
    total = counts.sum(axis=1, keepdims=True)
    scaled = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0) * 10000
    return np.ascontiguousarray(scaled.T)


def logarithms(x):
    return np.log10(x + 0.01)


def pearson(x):
    return np.corrcoef(logarithms(x))


def spearman(x):
    return np.corrcoef(rankdata(x, axis=1))


def partial_correlation(x):
    values = logarithms(x)
    n = values.shape[1]
    values -= values.mean(axis=1, keepdims=True)
    deviation = values.std(axis=1, keepdims=True)
    values /= np.where(deviation == 0, 1, deviation)
    r = values @ values.T / n
    squares = values**2
    variances = (squares @ squares.T / n - r**2) / (n - 1)
    off_diagonal = ~np.eye(len(r), dtype=bool)
    intensity = np.clip(variances[off_diagonal].sum() / (r[off_diagonal] ** 2).sum(), 0, 1)
    r *= 1 - intensity
    np.fill_diagonal(r, 1)
    omega = np.linalg.inv(r)
    scale = np.sqrt(np.diag(omega))
    return -omega / np.outer(scale, scale)


def bins_of(values):
    edges = np.linspace(values.min(), values.max(), 33)
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 31)


def mutual_information(bins, pairs):
    return [
        mutual_info_score(None, None, contingency=np.bincount(32 * bins[i] + bins[j], minlength=1024).reshape(32, 32))
        for i, j in pairs
    ]


def measure_whole(work, x):
    work(x[:64])  # starts threads and loads what is loaded late
    start = time.perf_counter()
    result = work(x)
    seconds = time.perf_counter() - start
    return seconds, result[np.triu_indices(len(x), 1)]


def measure_sample(x, sample):
    i, j = np.triu_indices(len(x), 1)
    step = len(i) // sample
    pairs = list(zip(i[::step], j[::step]))
    bins = [bins_of(values) for values in logarithms(x)]
    mutual_information(bins, pairs[:3])
    start = time.perf_counter()
    result = mutual_information(bins, pairs)
    seconds = (time.perf_counter() - start) / len(pairs) * len(i)
    return seconds, np.array(result)


def main():
    np.seterr(invalid="ignore")  # genes with one value
    measure, counts = sys.argv[1:3]
    cells, genes, sample = map(int, sys.argv[3:6])
    x = linear_expression(counts, cells, genes)
    whole = {"pearson": pearson, "spearman": spearman, "partial-correlation": partial_correlation}
    if measure in whole:
        # cnnc keeps the expression in float32.
        seconds, result = measure_whole(whole[measure], x.astype(np.float32).astype(float))
    else:
        seconds, result = measure_sample(x, sample)
    result.astype(np.float32).tofile(sys.argv[6])
    version = f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}"
    print(json.dumps({"seconds": seconds, "version": version}))


main()
