import pytest
import torch

from mnistcore.device import choose_device, device_name

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def test_the_cpu_can_be_named() -> None:
    assert choose_device("cpu") == torch.device("cpu")


def test_the_default_device_computes() -> None:
    assert float(torch.ones(2, device=choose_device()).sum()) == 2


@no_cuda
def test_a_missing_cuda_is_named() -> None:
    with pytest.raises(ValueError, match=r"no device 'cuda' on this machine; it has cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:99", "meta"])
def test_an_unknown_device_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=rf"device '{name}'.*; (this machine|it|there)"):
        choose_device(name)


@pytest.mark.parametrize(("count", "expected"), [(1, "1 thread"), (2, "2 threads")])
def test_the_cpu_is_shown_with_its_threads(
    count: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: count)
    model, _, threads = device_name(torch.device("cpu")).rpartition(", ")
    assert model
    assert threads == expected


def test_zero_gpu_does_not_count_as_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda"))
    assert choose_device() == torch.device("cuda")
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert choose_device() == torch.device("cpu")
    with pytest.raises(ValueError, match=r"no device 'cuda' on this machine; it has cpu"):
        choose_device("cuda")
