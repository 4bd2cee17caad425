"""All contests, by name, in the order in which they are held."""

from tests.benchmarks import eager, growth, memory, parsing, physics, point, startup, training

CONTESTS = {
    contest.name: contest
    for module in (startup, parsing, memory, physics, point, growth, eager, training)
    for contest in module.CONTESTS
}
