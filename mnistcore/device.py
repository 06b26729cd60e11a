"""The device that computes, what it can, and how it is named beside a figure."""

import ctypes
import os
import platform
from pathlib import Path

import torch


def is_zero_gpu() -> bool:
    """Whether this is a Space on ZeroGPU, where torch only plays at having CUDA.

    A card is lent to the calls of functions that ``spaces.GPU`` decorates, and to nothing else.
    """
    return os.environ.get("SPACES_ZERO_GPU") == "true"


def choose_device(name: str | None = None) -> torch.device:
    """A device by name, or the accelerator of this machine where it has one, or else its CPU.

    Raises:
        ValueError: the device does not exist, here or at all.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if is_zero_gpu():
        accelerator = None
    if name is None:
        return accelerator or torch.device("cpu")
    here = "cpu" if accelerator is None else f"cpu or {accelerator.type}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"unknown device {name!r}; this machine has {here}") from None
    if device.type == "cpu":
        return device
    if accelerator is None or device.type != accelerator.type:
        raise ValueError(f"no device {name!r} on this machine; it has {here}")
    if (device.index or 0) >= torch.accelerator.device_count():
        raise ValueError(f"no device {name!r}; there are {torch.accelerator.device_count()}")
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16, so that autocast makes it faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def device_name(device: torch.device) -> str:
    """The processor or card, for people: "AMD EPYC, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    return f"{name}, {threads} thread{'' if threads == 1 else 's'}"


def _mallopt(options: dict[int, int]) -> None:
    """Set options of glibc's malloc, by their numbers in <malloc.h>; see mallopt(3).

    Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in options.items():
            libc.mallopt(option, value)


def keep_freed_memory() -> None:
    """Keep what a training step frees for the next step.

    Else it may go back to the kernel in large blocks that are handed out anew, page by page, at
    every step: a quarter of LeNet's time. 32 MiB is the greatest threshold that there is.
    """
    m_trim_threshold, m_mmap_threshold = -1, -3
    _mallopt({m_mmap_threshold: 1 << 25, m_trim_threshold: 1 << 30})


def share_one_heap() -> None:
    """Have all threads that start from now on share one heap.

    Else each of a server's many threads has a heap of its own, in which gaps are left over by what
    came and went: a page that many draw on grew by a megabyte every two seconds.
    """
    m_arena_max = -8
    _mallopt({m_arena_max: 1})
