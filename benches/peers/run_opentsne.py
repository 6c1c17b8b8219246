"""A fit by openTSNE."""

import numpy as np
import openTSNE

from common import Clock, arguments, metric, note, rate

args, x, start = arguments()
snapshots = []


def keep(iteration, error, embedding):
    metric(f"seconds_to/snapshot_{len(snapshots)}", clock.seconds(), "s")
    snapshots.append(np.array(embedding).ravel())


early_momentum = 0.5 if args.schedule == "api" else 0.8
note("version", openTSNE.__version__)
note("settings", f"its defaults; momentum {early_momentum} in early exaggeration, learning rates by the schedule")
clock = Clock()
tsne = openTSNE.TSNE(
    initialization=start,
    n_jobs=args.threads,
    random_state=42,
    callbacks=keep if args.snapshots else None,
    callbacks_every_iters=25,
)
embedding = tsne.prepare_initial(x)
clock.stage("neighbors_and_affinities")
# What TSNE.fit does, with the learning rates of the schedule.
phases = [("early_exaggeration", 250, 12, early_momentum), ("optimization", 500, 1, 0.8)]
for name, n_iter, exaggeration, momentum in phases:
    embedding.optimize(
        n_iter=n_iter,
        exaggeration=exaggeration,
        momentum=momentum,
        learning_rate=rate(len(x), args.schedule, exaggeration),
        inplace=True,
    )
    clock.stage(name)
clock.stop()
np.save(args.out, np.array(embedding))
if args.snapshots:
    np.save(args.snapshots, np.array(snapshots))
