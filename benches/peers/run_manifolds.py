"""A fit by manifolds-rs, which starts from principal components of its own and knows the API page's rates only."""

import manifolds_rs
import numpy as np
from manifolds_rs import TSNE, TsneOptim

from common import Clock, arguments, note

# Its documentation recommends the exact search up to the hundreds of thousands; NN-descent is faster from here on.
EXACT_UP_TO = 100_000

args, x, _ = arguments()
assert args.schedule == "api" and not args.snapshots, "manifolds-rs cannot do that"
manifolds_rs.set_num_threads(args.threads)
ann = "kmknn" if len(x) <= EXACT_UP_TO else "nndescent"
note("version", manifolds_rs.__version__)
note("settings", f"ann={ann}, approx=fft_3k, n_epochs=750, early_exag_iter=250, early_exag_factor=12, else its defaults; init=pca, its own")
clock = Clock()
indices, distances = manifolds_rs.knn_graph(x, k=90, ann=ann)
clock.stage("neighbors")
embedding = TSNE(
    n_epochs=750,
    ann=ann,
    approx="fft_3k",
    optim_params=TsneOptim(early_exag_iter=250, early_exag_factor=12.0),
).fit_transform(x, knn_indices=indices, knn_distances=distances)
clock.stage("affinities_and_optimization")
clock.stop()
np.save(args.out, embedding)
