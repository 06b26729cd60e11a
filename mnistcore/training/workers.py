"""The processes that train together, when ``torchrun`` starts several."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.distributed as dist

from mnistcore.device import choose_device


class Workers(NamedTuple):
    """This process's place among those that train together."""

    rank: int
    world: int  # number of processes
    device: torch.device  # of this process


@contextmanager
def joined_workers(device: torch.device) -> Iterator[Workers]:
    """Join the other processes that ``torchrun`` started, if it did; leave them at the end.

    Raises:
        ValueError: several processes cannot train together on this kind of device.
    """
    if not dist.is_torchelastic_launched():
        yield Workers(0, 1, device)
        return
    if device.type == "cuda":
        device = choose_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(device)
    elif device.type != "cpu":
        raise ValueError(
            f"several processes cannot train on {device.type}, only on cuda or cpu; use --device"
        )
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
