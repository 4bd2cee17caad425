"""All contests, by name, in the order in which they are held."""

from tests.benchmarks import growth, memory, parsing, physics, point, startup

CONTESTS = {
    contest.name: contest
    for module in (startup, parsing, memory, physics, point, growth)
    for contest in module.CONTESTS
}
