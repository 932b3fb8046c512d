"""What kind of fault a message of a library tells about, and what such messages call it."""

from __future__ import annotations

import re

from kflab.runs.events import Fault

_DISK = re.compile(r"No space left on device|Disk quota exceeded|\bENOSPC\b|\bEDQUOT\b", re.IGNORECASE)
_MEMORY = re.compile(
    r"RESOURCE_EXHAUSTED|out of memory|\bOOM\b|\bOUT_OF_MEMORY\b|CUDA_ERROR_OUT_OF_MEMORY|bad_alloc"
    r"|Cannot allocate memory|failed to allocate memory|CUBLAS_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)
# A failed assertion on the device is a fault of the program, such as a class number that is too high.
_DEVICE = re.compile(
    r"CUDA_ERROR_(?!ASSERT)\w+|cudaError(?!Assert)\w+|\bCUDA error: (?!device-side assert)|\bHIP error: "
    r"|GPU (?:is|was) lost|GPU has fallen off the bus|uncorrectable ECC error|NVML_ERROR_GPU_IS_LOST"
    r"|no CUDA-capable device|CUDA-capable devices? (?:is|are) busy or unavailable"
    r"|unspecified launch failure|driver shutting down|device is lost",
    re.IGNORECASE,
)


def fault_in(text: str) -> Fault:
    """The kind of fault that a text tells about; `NONE` where it is none of those that can be told so."""
    # A file that finds no room is RESOURCE_EXHAUSTED, too, and a device without memory a CUDA error.
    for words, fault in ((_DISK, Fault.DISK), (_MEMORY, Fault.MEMORY), (_DEVICE, Fault.DEVICE)):
        if words.search(text):
            return fault
    return Fault.NONE
