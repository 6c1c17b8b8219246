"""A fit by scikit-learn, which knows the schedule of the API page only."""

import numpy as np
import sklearn
from sklearn.manifold import TSNE

from common import Clock, arguments, note, rate

args, x, start = arguments()
assert args.schedule == "api" and not args.snapshots, "scikit-learn cannot do that"
note("version", sklearn.__version__)
note("settings", "its Barnes-Hut defaults, 750 iterations without stopping early; its steps are not bounded")
clock = Clock()
# Its gradient has the factor 4.
embedding = TSNE(
    init=start.astype(np.float32),
    learning_rate=rate(len(x), args.schedule, 1) / 4,
    max_iter=750,
    n_iter_without_progress=750,
    min_grad_norm=0,
    n_jobs=args.threads,
).fit_transform(x)
clock.stop()
np.save(args.out, embedding)
