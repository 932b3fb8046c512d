"""Devices by name: what GPUs there are, by a driver of ours, which one is taken, and what hides them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import NamedTuple

import pytest

from kflab.errors import UnusableInputError
from kflab.runs import devices
from kflab.runs.devices import DeviceError, by_use, check_device, choose, unseen, visible_gpus
from kflab.runs.gpus import Driver, Gpu

GB = 10**9


def gpu(number: int, *, free: int = 80, processes: int | None = 0, uuid: str = "", **more: object) -> Gpu:
    return Gpu(
        number=number,
        uuid=uuid or f"GPU-{number}aaa",
        title="H",
        memory=80 * GB,
        free=free * GB,
        processes=processes,
        **more,  # type: ignore[arg-type]
    )


TWO = (gpu(0, free=20, processes=1), gpu(1))


class _Memory(NamedTuple):
    total: int
    free: int


class _Error(Exception):
    pass


class _NoLibraryError(_Error):
    pass


def driver(*, init: Callable[[], None] = lambda: None, sliced: bool = False) -> types.ModuleType:
    """A driver of two GPUs, of which the second tells nothing but its name; the first may be sliced."""
    module = types.ModuleType("pynvml")

    def refused(*_: object) -> object:
        raise _Error("Not Supported")

    def first_only(answer: object) -> Callable[..., object]:
        return lambda handle, *_: answer if handle in {"0", "slice"} else refused()

    module.__dict__.update(
        NVMLError=_Error,
        NVMLError_LibraryNotFound=_NoLibraryError,
        NVML_DEVICE_MIG_ENABLE=1,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=init,
        nvmlShutdown=lambda: None,
        nvmlSystemGetDriverVersion=lambda: b"570.1",
        nvmlDeviceGetCount=lambda: 3,
        nvmlDeviceGetHandleByIndex=lambda index: str(index) if index < 2 else refused(),
        nvmlDeviceGetMigMode=lambda handle: (1, 1) if sliced and handle == "0" else refused(),
        nvmlDeviceGetMaxMigDeviceCount=lambda handle: 2,
        nvmlDeviceGetMigDeviceHandleByIndex=lambda handle, index: "slice" if index == 0 else refused(),
        nvmlDeviceGetUUID=lambda handle: {"0": "GPU-a", "1": "GPU-b", "slice": "MIG-c"}[handle],
        nvmlDeviceGetName=lambda handle: b"NVIDIA H200",
        nvmlDeviceGetMemoryInfo=first_only(_Memory(80 * GB, 60 * GB)),
        nvmlDeviceGetUtilizationRates=first_only(types.SimpleNamespace(gpu=93)),
        nvmlDeviceGetTemperature=lambda handle, kind: 61 if handle == "0" else refused(),
        nvmlDeviceGetPowerUsage=lambda handle: 250_500 if handle == "0" else refused(),
        nvmlDeviceGetComputeRunningProcesses=first_only([1, 2]),
    )
    return module


@pytest.fixture
def with_driver(monkeypatch: pytest.MonkeyPatch) -> Callable[[types.ModuleType], Driver]:
    def use(module: types.ModuleType) -> Driver:
        monkeypatch.setitem(sys.modules, "pynvml", module)
        return Driver()

    return use


class TestDriver:
    def test_what_is_not_told_is_left_open(self, with_driver: Callable[[types.ModuleType], Driver]) -> None:
        with with_driver(driver()) as found:
            first, second = found.gpus()  # the third has fallen off the bus
            assert found.version == "570.1"
            assert [one.uuid for one in found.gpus(only={"GPU-b"})] == ["GPU-b"]
        assert (first.title, first.memory, first.free, first.utilisation) == (
            "NVIDIA H200",
            80 * GB,
            60 * GB,
            93,
        )
        assert (first.temperature, first.power, first.processes) == (61, 250.5, 2)
        assert (second.memory, second.utilisation, second.temperature, second.power) == (None,) * 4
        assert first.is_busy
        assert not second.is_busy

    def test_a_sliced_gpu_is_its_slices(self, with_driver: Callable[[types.ModuleType], Driver]) -> None:
        first, _ = with_driver(driver(sliced=True)).gpus()
        assert (first.uuid, first.is_slice, first.number) == ("MIG-c", True, 0)
        assert (first.temperature, first.power) == (61, 250.5), "of the GPU around it"

    def test_without_a_driver_there_are_none_and_why(
        self, with_driver: Callable[[types.ModuleType], Driver]
    ) -> None:
        def missing() -> None:
            raise _NoLibraryError

        def mismatch() -> None:
            raise _Error("Driver/library version mismatch")

        assert with_driver(driver(init=missing)).problem == "there is no NVIDIA driver"
        found = with_driver(driver(init=mismatch))
        assert "version mismatch" in found.problem
        assert found.gpus() == ()


class TestVisible:
    @pytest.mark.parametrize(
        ("given", "left"),
        [
            (None, [0, 1, 2]),
            ("", []),
            ("-1", []),
            ("2,0", [2, 0]),
            ("1,-1,0", [1]),
            ("1,1", [1]),
            ("7", []),
            ("GPU-2aaa", [2]),
            ("GPU-1, 0", [1, 0]),
            ("NoDevFiles", []),
        ],
    )
    def test_what_the_person_has_chosen_is_left(self, given: str | None, left: list[int]) -> None:
        environment = {} if given is None else {"CUDA_VISIBLE_DEVICES": given}
        gpus = [gpu(number) for number in range(3)]
        assert [one.number for one in visible_gpus(gpus, environment)] == left

    def test_a_slice_by_its_name_and_by_its_old_name(self) -> None:
        slices = [gpu(0, uuid="MIG-1", is_slice=True), gpu(0, uuid="MIG-2", is_slice=True)]
        assert visible_gpus(slices, {"CUDA_VISIBLE_DEVICES": "MIG-2"}) == (slices[1],)
        (old,) = visible_gpus(slices, {"CUDA_VISIBLE_DEVICES": "MIG-GPU-8d/1/0"})
        assert old.is_slice


class TestChoice:
    def test_a_free_gpu_is_taken_and_else_the_least_used(self) -> None:
        placement = choose("", "tensorflow", {}, TWO)
        assert (placement.names, placement.uuids) == (("gpu:1",), ("GPU-1aaa",))
        assert placement.environment["CUDA_VISIBLE_DEVICES"] == "GPU-1aaa"
        assert placement.environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
        busy = (gpu(0, free=20, processes=1), gpu(1, free=10, processes=3))
        assert choose("gpu", "tensorflow", {}, busy).names == ("gpu:0",)
        assert by_use(TWO) == [1, 0]

    def test_what_somebody_is_about_to_use_comes_last(self) -> None:
        assert by_use((gpu(0), gpu(1)), taken={"GPU-0aaa"}) == [1, 0]
        assert choose("gpu", "tensorflow", {}, TWO, taken={"GPU-1aaa"}).names == ("gpu:0",)

    def test_memory_tells_of_processes_that_a_container_hides(self) -> None:
        assert gpu(0, free=40, processes=None).is_busy
        assert not gpu(0, free=79, processes=None).is_busy

    def test_a_number_counts_what_is_visible(self) -> None:
        environment = {"CUDA_VISIBLE_DEVICES": "1"}
        assert choose("gpu:0", "tensorflow", environment, TWO).uuids == ("GPU-1aaa",)
        with pytest.raises(DeviceError, match="there is no gpu:1; there is gpu:0"):
            choose("gpu:1", "tensorflow", environment, TWO)

    def test_all_gpus_and_of_slices_one(self) -> None:
        assert choose("gpus", "tensorflow", {}, TWO).names == ("gpu:0", "gpu:1")
        slices = [gpu(0, uuid="MIG-1", is_slice=True), gpu(0, uuid="MIG-2", is_slice=True)]
        assert choose("gpus", "tensorflow", {}, slices).names == ("gpu:0",)

    def test_the_cpu_hides_gpus_from_every_backend(self) -> None:
        placement = choose("cpu", "jax", {}, TWO)
        assert placement.names == ("cpu",)
        assert placement.environment["CUDA_VISIBLE_DEVICES"] == "-1"
        assert placement.environment["JAX_PLATFORMS"] == "cpu"
        assert placement.environment["KERAS_TORCH_DEVICE"] == "cpu"

    def test_without_a_gpu_everything_works_and_who_asks_for_one_is_told_why(self) -> None:
        assert choose("", "tensorflow", {}, ()).names == ("cpu",)
        assert "CUDA_VISIBLE_DEVICES" not in choose("", "tensorflow", {}, ()).environment
        with pytest.raises(DeviceError, match="gpu can not be had: there is no NVIDIA driver"):
            choose("gpu", "tensorflow", {}, (), "there is no NVIDIA driver")
        with pytest.raises(DeviceError, match="CUDA_VISIBLE_DEVICES=-1 hides the 2"):
            choose("gpus", "tensorflow", {"CUDA_VISIBLE_DEVICES": "-1"}, TWO)

    def test_a_backend_without_gpus_is_told_what_it_lacks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(devices, "lacks_gpu", lambda backend: backend == "jax")
        assert choose("", "jax", {}, TWO).names == ("cpu",)
        with pytest.raises(DeviceError, match="pip install"):
            choose("gpu", "jax", {}, TWO)

    def test_jax_that_was_kept_to_the_cpu_stays_there_unless_asked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(devices, "lacks_gpu", lambda backend: False)
        environment = {"JAX_PLATFORMS": "cpu"}
        assert choose("", "jax", environment, TWO).names == ("cpu",)
        assert choose("gpu", "jax", environment, TWO).environment["JAX_PLATFORMS"] == ""

    def test_what_the_person_has_set_about_memory_stays(self) -> None:
        environment = {"TF_FORCE_GPU_ALLOW_GROWTH": "false"}
        assert "TF_FORCE_GPU_ALLOW_GROWTH" not in choose("", "tensorflow", environment, TWO).environment


def test_a_backend_that_finds_no_gpu_is_told_of() -> None:
    assert unseen("tensorflow", ("gpu:1",), ("gpu:0",)) == ""
    assert unseen("tensorflow", ("cpu",), ("cpu:0",)) == ""
    words = unseen("tensorflow", ("gpu:1",), ("cpu:0",))
    assert words.startswith(
        "tensorflow finds no GPU, though this machine has gpu:1; pip install 'kflab[cuda]'"
    )


@pytest.mark.parametrize("name", ["", "cpu", "gpu", "gpus", "gpu:0", "gpu:12"])
def test_names_of_devices(name: str) -> None:
    assert check_device(name) == name


@pytest.mark.parametrize("name", ["gp", "GPU", "gpu:", "gpu:-1", "cuda:0", "gpu:0,gpu:1", "gpu:1 "])
def test_what_is_no_device_is_refused_with_what_would_be_one(name: str) -> None:
    with pytest.raises(UnusableInputError, match="expected a device such as cpu, gpu"):
        check_device(name, place="--device")
