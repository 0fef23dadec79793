"""The cost of registered services that have no opinion: linear, and small for each."""

import argparse
import statistics

from running import compiled, load, zcadapt

REQUESTS = 10_000


def cost(services, rounds):
    """Return the median CPU time of a REQMOD request, in µs."""
    with zcadapt(SERVICES=str(services)) as (process, port, _):
        command = [compiled("icapload"), "127.0.0.1", str(port), "/reqmod", "reqmod", "16"]
        command += [str(REQUESTS), "0", "-1"]
        rows = [load(command, process.pid, REQUESTS) for _ in range(rounds)]
    return statistics.median(row["cpu_us"] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    base = cost(0, args.rounds)
    print(f"   0 services {base:8.1f} µs")
    for services in (100, 300, 1000):
        total = cost(services, args.rounds)
        print(f"{services:4} services {total:8.1f} µs, {(total - base) / services:.3f} µs each")


if __name__ == "__main__":
    main()
