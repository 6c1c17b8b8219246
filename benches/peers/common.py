"""What the drivers of peers share: their arguments, a clock, and the lines `lab` prints."""

import argparse
import resource
import time

import numpy as np


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", required=True, help="points, NPY")
    parser.add_argument("--init", required=True, help="initial positions, NPY")
    parser.add_argument("--schedule", choices=["api", "opentsne_v1"], required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", required=True, help="where the map goes, NPY")
    parser.add_argument("--snapshots", help="where maps on the way go, NPY, one a row")
    args = parser.parse_args()
    return args, np.load(args.input), np.load(args.init)


def rate(n, schedule, exaggeration):
    """The learning rate of a phase, for gradients without the factor 4."""
    return n / exaggeration if schedule == "opentsne_v1" else max(200.0, n / 12)


class Clock:
    """Prints what each stage took, in seconds, and at the end the whole."""

    def __init__(self):
        self.started = self.lap = time.perf_counter()

    def seconds(self):
        return time.perf_counter() - self.started

    def stage(self, name):
        now = time.perf_counter()
        metric(f"seconds/{name}", now - self.lap, "s")
        self.lap = now

    def stop(self):
        metric("seconds", self.seconds(), "s")
        # Kibibytes on Linux.
        metric("peak_memory", 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "B")


def metric(name, value, unit):
    print(f"METRIC:fit/{name}:{value}:{unit}")


def note(name, text):
    print(f"NOTE:{name}:{text}")
