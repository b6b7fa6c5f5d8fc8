"""Where and how precisely to compute: by what the machine has, or as the settings say."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from core.errors import WrongCall
from core.settings import settings

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "bf16", "fp16", "fp32", "int8")

#: How far fused layers may be from right on numbers around 1.
_OFF = {"fp32": 1e-4, "bf16": 0.1, "int8": 0.3}


def choose_device() -> str:
    """`cpu`, `cuda` or `mps`: the fastest there is, or what CARTSCAPE_DEVICE says.

    Raises `WrongCall` for a device that is not known or not there.
    """
    import torch

    device, _ = wanted()
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[device]:
        raise WrongCall(
            f"CARTSCAPE_DEVICE is {device}, but PyTorch finds no such device on this machine; "
            "set it to auto or cpu, or install a PyTorch that supports the device."
        )
    return device


def wanted() -> tuple[str, str]:
    """Device and precision of the settings, `auto` among them; raises `WrongCall` for unknown words."""
    device, precision = settings().device.lower(), settings().precision.lower()
    if device not in DEVICES:
        raise WrongCall(
            f"CARTSCAPE_DEVICE is {device}, which is no device; choose one of {', '.join(DEVICES)}."
        )
    if precision not in PRECISIONS:
        raise WrongCall(
            f"CARTSCAPE_PRECISION is {precision}, which is no precision; "
            f"choose one of {', '.join(PRECISIONS)}."
        )
    return device, precision


def choose_precision(device: str) -> str:
    """`bf16`, `fp16` or `fp32`: the fastest that keeps neighbours, or what CARTSCAPE_PRECISION says.

    Raises `WrongCall` where that is int8 and the device has no such layers.
    """
    import torch

    _, precision = wanted()
    if precision == "int8" and device != "cpu":
        raise WrongCall(
            f"CARTSCAPE_PRECISION is int8, which is for the CPU alone, and the device is {device}; set "
            "CARTSCAPE_DEVICE to cpu, or the precision to auto."
        )
    if precision == "int8" and not has_fused_layers(precision):
        raise WrongCall(
            "CARTSCAPE_PRECISION is int8, for which this PyTorch has no layers on this processor; set it to "
            "auto."
        )
    if precision != "auto":
        return precision
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device == "cpu" and _processor_has_bf16():
        return "bf16"
    return "fp32"


def _processor_has_bf16() -> bool:
    """Whether the processor multiplies bf16 by itself; emulated, it is slower than fp32."""
    import torch

    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def dtype_of(precision: str) -> torch.dtype:
    """Torch's type of what goes from layer to layer in the precision."""
    import torch

    halves = {"bf16": torch.bfloat16, "fp16": torch.float16}
    return halves.get(precision, torch.float32)


@lru_cache(maxsize=4)
def has_fused_layers(precision: str) -> bool:
    """Whether oneDNN's layers, with packed weights or of int8, are there and agree with PyTorch's own.

    They are no public interface of PyTorch, so they are tried on small numbers before they are trusted.
    """
    import torch
    from torch.nn import functional

    from core.encoder.layers import FusedLinear, Int8Linear

    if precision == "fp16":
        return False
    dtype, kind = dtype_of(precision), Int8Linear if precision == "int8" else FusedLinear
    generator = torch.Generator().manual_seed(1)
    x, weight, bias = (torch.randn(*shape, generator=generator) for shape in ((9, 48), (32, 48), (32,)))
    try:
        with torch.inference_mode():
            for activation in ("none", "gelu", "relu"):
                got = kind(weight.to(dtype), bias.to(dtype), activation)(x.to(dtype)).float()
                rounded = functional.linear(*(t.to(dtype).float() for t in (x, weight, bias)))
                right = {"none": lambda t: t, "gelu": functional.gelu, "relu": functional.relu}[activation](
                    rounded
                )
                if not torch.allclose(got, right, atol=_OFF[precision], rtol=0.02):
                    return False
    except (AttributeError, RuntimeError, NotImplementedError, TypeError):
        return False
    return True
