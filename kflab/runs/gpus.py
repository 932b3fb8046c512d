"""The NVIDIA GPUs of this machine as their driver tells of them (NVML); none of their memory is taken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from types import ModuleType, TracebackType
from typing import TypeVar

import msgspec

Answer = TypeVar("Answer")

BUSY_SHARE = 0.1
"""A GPU is busy from this share of its memory or of its time on: a screen alone takes less."""


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU, or the slice of one that the driver gives out as a device of its own (MIG).

    Attributes:
        number: its place in the driver's order, that of `nvidia-smi`; a slice has that of its GPU.
        uuid: what it is called for good.
        title: what is printed on it.
        is_slice: it is a slice of a GPU.
        memory: bytes that it has; this and all that follow are None where the driver does not tell.
        free: bytes of them that nobody has taken.
        utilisation: percent of the last moments in which it computed.
        temperature: degrees Celsius.
        power: watts.
        processes: how many processes compute on it.
    """

    number: int
    uuid: str
    title: str = "GPU"
    is_slice: bool = False
    memory: int | None = None
    free: int | None = None
    utilisation: float | None = None
    temperature: float | None = None
    power: float | None = None
    processes: int | None = None

    @property
    def taken_share(self) -> float:
        """The share of its memory that is taken; 0 where the driver does not tell."""
        if not self.memory or self.free is None:
            return 0.0
        return 1 - self.free / self.memory

    @property
    def is_busy(self) -> bool:
        """Whether somebody computes on it, or has taken more of it than a screen does."""
        if self.processes:
            return True
        return max(self.taken_share, (self.utilisation or 0.0) / 100) > BUSY_SHARE


class Driver:
    """NVIDIA's driver. Use it in a `with` statement, or close it.

    Attributes:
        problem: why no GPU can be told of; "" where all is well.
        version: the driver's version.
    """

    def __init__(self) -> None:
        self.problem, self.version = "", ""
        self._nvml: ModuleType | None = None
        self._error: type[Exception] = Exception
        try:
            import pynvml
        except ImportError:
            self.problem = "nvidia-ml-py is not installed"
            return
        self._error = pynvml.NVMLError
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            is_missing = isinstance(error, pynvml.NVMLError_LibraryNotFound)
            self.problem = "there is no NVIDIA driver" if is_missing else f"the NVIDIA driver says: {error}"
            return
        self._nvml = pynvml
        self.version = _text(self._asked(pynvml.nvmlSystemGetDriverVersion))

    def __enter__(self) -> Driver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets the driver go."""
        if self._nvml is not None:
            self._asked(self._nvml.nvmlShutdown)
            self._nvml = None

    def gpus(self, only: Collection[str] | None = None) -> tuple[Gpu, ...]:
        """GPUs as they are now; of one that is sliced, its slices instead.

        Args:
            only: the UUIDs of those that are asked about; nothing given: all.
        """
        return tuple(self._each(only)) if self._nvml is not None else ()

    def _each(self, only: Collection[str] | None) -> Iterator[Gpu]:
        nvml = self._nvml
        assert nvml is not None
        for number in range(self._asked(nvml.nvmlDeviceGetCount) or 0):
            handle = self._asked(nvml.nvmlDeviceGetHandleByIndex, number)
            if handle is None:
                continue  # one that has fallen off the bus leaves the others as they are
            slices = list(self._slices(nvml, handle))
            for device in slices or [handle]:
                uuid = _text(self._asked(nvml.nvmlDeviceGetUUID, device))
                if uuid and (only is None or uuid in only):
                    yield self._one(nvml, device, number, uuid, handle if slices else None)

    def _slices(self, nvml: ModuleType, handle: object) -> Iterator[object]:
        mode = self._asked(nvml.nvmlDeviceGetMigMode, handle)
        if not mode or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return
        for index in range(self._asked(nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
            device = self._asked(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
            if device is not None:
                yield device

    def _one(self, nvml: ModuleType, handle: object, number: int, uuid: str, whole: object | None) -> Gpu:
        """A GPU, or a slice; of the GPU `whole` around it come temperature and power."""
        around = handle if whole is None else whole
        memory = self._asked(nvml.nvmlDeviceGetMemoryInfo, handle)
        rates = self._asked(nvml.nvmlDeviceGetUtilizationRates, handle)
        heat = self._asked(nvml.nvmlDeviceGetTemperature, around, nvml.NVML_TEMPERATURE_GPU)
        milliwatts = self._asked(nvml.nvmlDeviceGetPowerUsage, around)
        processes = self._asked(nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        return Gpu(
            number=number,
            uuid=uuid,
            title=_text(self._asked(nvml.nvmlDeviceGetName, handle)) or "GPU",
            is_slice=whole is not None,
            memory=None if memory is None else int(memory.total),
            free=None if memory is None else int(memory.free),
            utilisation=None if rates is None else float(rates.gpu),
            temperature=None if heat is None else float(heat),
            power=None if milliwatts is None else milliwatts / 1000,
            processes=None if processes is None else len(processes),
        )

    def _asked(self, question: Callable[..., Answer], *about: object) -> Answer | None:
        """What the driver answers; None for what it does not know or does not say."""
        try:
            return question(*about)
        except self._error:
            return None


def _text(answer: str | bytes | None) -> str:
    """An answer as text: older versions of nvidia-ml-py give bytes."""
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer or ""
