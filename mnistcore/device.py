"""The compute device: choosing it, what it supports, what it is called, and its memory."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


def is_zero_gpu() -> bool:
    """Whether this is a Space on ZeroGPU, where torch pretends to have CUDA.

    There is a GPU only inside functions decorated with ``spaces.GPU``.
    """
    return os.environ.get("SPACES_ZERO_GPU") == "true"


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name; without a name the accelerator if there is one, otherwise the CPU.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", ...

    Raises:
        ValueError: the name is unknown, or this machine has no such device.
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
        raise ValueError(
            f"no device {name!r}; this machine has {torch.accelerator.device_count()} of that kind"
        )
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one thread of the CPU, so that times can be compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has bfloat16 instructions, so that autocast makes it faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def device_name(device: torch.device) -> str:
    """The processor or GPU by its product name, such as "AMD EPYC, 2 threads"."""
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
    """Set options of glibc's malloc by their numbers in <malloc.h>; see mallopt(3).

    Does nothing with other C libraries.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in options.items():
            libc.mallopt(option, value)


def keep_freed_memory() -> None:
    """Keep the memory that a training step frees for the next step.

    Otherwise large blocks may go back to the kernel and be faulted in again, page by page, at
    every step, which takes a quarter of LeNet's time.
    """
    m_trim_threshold, m_mmap_threshold = -1, -3
    # Bytes: blocks up to 32 MiB, glibc's maximum, come from the heap, which keeps up to 1 GiB free.
    _mallopt({m_mmap_threshold: 1 << 25, m_trim_threshold: 1 << 30})


def share_one_heap() -> None:
    """Make all threads that start from now on share one heap.

    Otherwise each of a server's many threads gets its own malloc arena, and fragmentation adds up:
    under load the page's server grew by a megabyte every two seconds.
    """
    m_arena_max = -8
    _mallopt({m_arena_max: 1})
