"""Compare the server's cost per request with c-icap's, turn by turn, in one run."""

import argparse
import platform
import statistics

from running import c_icap, compiled, icp_bare, load, zcadapt

#    name: (scenario, connections, requests, body bytes, preview bytes)
SCENARIOS = {
    "options": ("options", 16, 40000, 0, -1),
    "reqmod-204": ("reqmod", 16, 60000, 0, -1),
    "reqmod-204-1conn": ("reqmod", 1, 20000, 0, -1),
    "reqmod-204-100c": ("reqmod", 100, 60000, 0, -1),
    "respmod-preview0": ("respmod", 16, 30000, 10000, 0),
    "respmod-10k-204": ("respmod", 16, 20000, 10000, -1),
    "respmod-10k-echo": ("respecho", 16, 20000, 10000, -1),
    "respmod-100k-echo": ("respecho", 8, 5000, 100000, -1),
    "respmod-10m-echo": ("respecho", 4, 100, 10_000_000, -1),
}
ICP_QUERIES = 100_000


def turn(scenario, pid, port, path):
    kind, connections, requests, body, preview = SCENARIOS[scenario]
    numbers = map(str, (connections, requests, body, preview))
    command = [compiled("icapload"), "127.0.0.1", str(port), path, kind, *numbers]
    return load(command, pid, requests)


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def compare(scenario, rounds, path, ours, theirs):
    """Return one line: medians of both, and of the ratios of the turns."""
    mine, other = [], []
    for _ in range(rounds):
        mine.append(turn(scenario, ours[0].pid, ours[1], path))
        if theirs:
            other.append(turn(scenario, theirs[0].pid, theirs[1], "/echo"))
    errors = sum(row["errors"] for row in mine)
    return f"{line(scenario, mine, other)}   {errors} errors"


def icp(rounds, ours, bare):
    """Return one line, where a bare loop in C stands for c-icap."""

    def turn(pid, port):
        command = [compiled("icpload"), "127.0.0.1", str(port), "8", "8", str(ICP_QUERIES)]
        return load(command, pid, ICP_QUERIES)

    mine, other = [], []
    for _ in range(rounds):
        mine.append(turn(ours[0].pid, ours[2]))
        other.append(turn(bare[0].pid, bare[1]))
    lost = sum(row["lost"] + row["bad"] for row in mine)
    return f"{line('icp (bare C)', mine, other)}   {lost} lost or wrong"


def line(name, mine, other):
    """Return medians of both, and of the ratios of the turns."""
    text = f"{name:18} {median(mine, 'cpu_us'):9.1f} µs"
    if other:
        ratios = [a["cpu_us"] / b["cpu_us"] for a, b in zip(mine, other, strict=True)]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        text += f" {median(other, 'cpu_us'):9.1f} µs {statistics.median(ratios):6.2f} {spread:>10}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", default="/echo", help="the endpoint; / asks three services")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenario", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--no-icp", action="store_true")
    args = parser.parse_args()
    print(platform.python_implementation(), platform.python_version(), platform.machine())
    print(f"{'':18} {'zcadapt':>12} {'c-icap':>12} {'ratio':>6} {'spread':>10}")
    with zcadapt() as ours, c_icap() as theirs:
        for scenario in args.scenario:
            print(compare(scenario, args.rounds, args.path, ours, theirs), flush=True)
        if not args.no_icp:
            with icp_bare() as bare:
                print(icp(args.rounds, ours, bare))


if __name__ == "__main__":
    main()
