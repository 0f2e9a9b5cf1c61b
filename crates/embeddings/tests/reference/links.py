"""Areas under the curve by scikit-learn and scores of pairs by NetworkX, for src/evaluate/links_tests.rs.

pip install scikit-learn==1.9.1 networkx
"""
import json
import pathlib

import networkx
from sklearn.metrics import roc_auc_score

areas = []
for high, low in [([3, 1, 2], [0, 1]), ([1, 1, 1], [1, 1]), ([0.5, 0.25, -1, 7, 7], [7, 0.25, 0.25, -3]), ([0, 0], [1, 2, 3])]:
    truth = [1] * len(high) + [0] * len(low)
    areas.append([high, low, float(roc_auc_score(truth, high + low))])
values = [(i * 37 % 23) for i in range(400)]
truth = [(i * i % 11) < 5 for i in range(400)]
high = [v for v, t in zip(values, truth) if t]
low = [v for v, t in zip(values, truth) if not t]
areas.append([high, low, float(roc_auc_score(truth, values))])

edges = [(i % 12, (i * i + 5 * i + 1) % 12) for i in range(30)]
graph = networkx.Graph([(a, b) for a, b in edges if a != b])
graph.add_nodes_from(range(12))
pairs = [(a, b) for a in range(12) for b in range(a + 1, 12)]
scores = {
    "common-neighbors": [len(list(networkx.common_neighbors(graph, a, b))) for a, b in pairs],
    "jaccard": [s for _, _, s in networkx.jaccard_coefficient(graph, pairs)],
    "adamic-adar": [s for _, _, s in networkx.adamic_adar_index(graph, pairs)],
    "preferential-attachment": [s for _, _, s in networkx.preferential_attachment(graph, pairs)],
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"areas": areas, "edges": [e for e in edges if e[0] != e[1]], "scores": scores}) + "\n")
