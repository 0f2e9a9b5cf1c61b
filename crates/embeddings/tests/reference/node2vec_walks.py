"""Transition probabilities of second order on a small graph, by PecanPy, for src/node2vec/walks_tests.rs.

pip install pecanpy==2.0.9 numpy==1.26.4
"""
import json
import pathlib
import tempfile

from pecanpy import pecanpy

# from, to, weight: a triangle, a square, a star and a loop, joined.
EDGES = [
    (0, 1, 1.0), (1, 2, 2.0), (2, 0, 0.5), (2, 3, 1.5), (3, 4, 1.0), (4, 5, 3.0), (5, 6, 0.25), (6, 3, 1.0),
    (6, 7, 1.0), (6, 8, 4.0), (6, 9, 0.125), (9, 9, 1.0), (9, 0, 1.0), (4, 2, 2.0), (8, 6, 1.0), (7, 6, 2.0), (0, 3, 0.75),
]
SETTINGS = [(0.25, 0.25), (4.0, 0.5), (0.01, 1.0), (0.02, 3.0), (1.0, 200.0), (3.0, 0.01)]


def probabilities(weighted, directed, p, q):
    edges = EDGES
    if not directed:  # PecanPy would let the last of two directions win
        merged = {}
        for a, b, w in EDGES:
            key = (min(a, b), max(a, b))
            merged[key] = merged.get(key, 0.0) + w
        edges = [(a, b, w) for (a, b), w in merged.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".edg") as file:
        file.write("".join(f"{a}\t{b}\t{w}\n" for a, b, w in edges))
        file.flush()
        graph = pecanpy.SparseOTF(p=p, q=q, workers=1)
        graph.read_edg(file.name, weighted=weighted, directed=directed)
    found = []
    names = [int(node) for node in graph.nodes]
    for before in range(len(names)):
        for node in graph.indices[graph.indptr[before] : graph.indptr[before + 1]]:
            row = graph.indices[graph.indptr[node] : graph.indptr[node + 1]]
            if len(row) == 0:
                continue
            values = graph.get_normalized_probs(
                graph.data, graph.indices, graph.indptr, p, q, int(node), int(before), None
            )
            next_nodes = {names[x]: round(float(v), 7) for x, v in zip(row, values)}
            found.append([names[before], names[node], sorted(next_nodes.items())])
    return found


cases = [
    {"weighted": weighted, "directed": directed, "p": p, "q": q, "steps": probabilities(weighted, directed, p, q)}
    for weighted in (False, True)
    for directed in (False, True)
    for p, q in SETTINGS
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"edges": EDGES, "cases": cases}) + "\n")
