"""Forked processes, which have imported what a training needs: Python takes seconds for that.

A process that has trained cannot be forked, hence a fork server, which all tests share.
"""

import multiprocessing

fork = multiprocessing.get_context("forkserver")
fork.set_forkserver_preload(
    [
        "tests.conftest",
        "mnistcore.__main__",
        "mnistcore.training.loop",
        "torch._dynamo",  # the optimizer imports it
        "torchvision.datasets",
        "matplotlib.figure",
    ]
)
