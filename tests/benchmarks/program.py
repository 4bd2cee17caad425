"""All contests, by name, in the order in which they are held."""

from tests.benchmarks import (
    arrays,
    building,
    eager,
    fitting,
    growth,
    memory,
    parsing,
    physics,
    point,
    startup,
    training,
    wide,
)

MODULES = (startup, parsing, physics, growth, point, wide, arrays, fitting, building, memory, eager, training)
CONTESTS = {contest.name: contest for module in MODULES for contest in module.CONTESTS}
