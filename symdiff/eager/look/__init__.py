"""Tensors open to look into: closed forms, the graph of a computation, backpropagation told in words.

Importing this package gives tensors `expression`, `derivative`, `graph` and `explain`, and lets
`symdiff.compare` run Python functions on tensors.
"""

from symdiff.comparing import RECORDERS
from symdiff.eager.look.explanation import Explanation, explain
from symdiff.eager.look.formulas import derivative, expression
from symdiff.eager.look.graphs import Graph, GraphEdge, GraphNode, graph
from symdiff.eager.look.running import run_on_tensors

__all__ = ["Explanation", "Graph", "GraphEdge", "GraphNode", "derivative", "explain", "expression", "graph"]

RECORDERS.append(run_on_tensors)
