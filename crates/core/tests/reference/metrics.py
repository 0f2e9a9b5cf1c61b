"""Prints the numbers stored in the tests of crates/core/src/metrics. Needs numpy and scipy.

The formulas are those of scikit-learn's precision_recall_fscore_support (zero_division=0) and of statsmodels'
proportion_confint(method="wilson"), written out.
"""

import numpy as np
from scipy.special import log_softmax
from scipy.stats import norm

print("interval.rs, WILSON")
for count, nobs in [(0, 10), (1, 10), (5, 10), (10, 10), (1, 1), (352, 360), (9876, 10000), (1, 1000000)]:
    p, alpha = count / nobs, 0.05
    crit = norm.isf(alpha / 2.0)
    denom = 1 + crit**2 / nobs
    centre = (p + crit**2 / (2 * nobs)) / denom
    dist = crit * np.sqrt(p * (1.0 - p) / nobs + crit**2 / (4.0 * nobs**2)) / denom
    low = 0.0 if count == 0 else centre - dist
    high = 1.0 if count == nobs else centre + dist
    print(f"        ({count}, {nobs}, {float(low)!r}, {float(high)!r}),")

print("confusion.rs, REFERENCE")
i = np.arange(200)
target = (i * i + i // 7) % 5
predicted = np.where((i * 7) % 11 < 8, target, (i * 3 + 1) % 4)
matrix = np.zeros((5, 5))
np.add.at(matrix, (target, predicted), 1)
right, support, named = np.diag(matrix), matrix.sum(1), matrix.sum(0)
safe = lambda a, b: np.divide(a, b, out=np.zeros_like(a), where=b > 0)
precision, recall = safe(right, named), safe(right, support)
f1 = safe(2 * precision * recall, precision + recall)
scores = np.stack([precision, recall, f1], 1)
for row in scores:
    print("       ", [float(x) for x in row], ",")
print("macro", [float(x) for x in scores.mean(0)])
print("weighted", [float(x) for x in np.average(scores, axis=0, weights=support)])
print("accuracy", float(right.sum() / matrix.sum()))

print("cross_entropy.rs, LOG_SOFTMAX")
print([float(x) for x in log_softmax(np.array([1000.0, 999.0, -1000.0, 998.5]))])
