"""The palette: ordered in lightness, readable, told apart by readers with any colour vision."""

from __future__ import annotations

import pytest

from core.charts.look import DARK, LIGHT, Look, look, scale

LOOKS = pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> list[float]:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(colour: str) -> float:
    r, g, b = linear(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def seen_by_deuteranope(colour: str) -> tuple[float, ...]:
    """Viénot, Brettel and Mollon 1999, in linear RGB."""
    r, g, b = linear(colour)
    mixed = 0.29275 * r + 0.70725 * g
    return mixed, mixed, -0.02234 * r + 0.02234 * g + b


@LOOKS
def test_sequential_runs_in_lightness(style: Look) -> None:
    steps = [luminance(c) for c in style.sequential]
    assert steps == sorted(steps, reverse=style.name == "light")
    assert contrast(style.sequential[0], style.sequential[-1]) > 6


@LOOKS
def test_diverging_is_symmetric_around_a_neutral_middle(style: Look) -> None:
    middle = len(style.diverging) // 2
    away = [contrast(c, style.diverging[middle]) for c in style.diverging]
    assert away[:middle] == sorted(away[:middle], reverse=True)
    assert away[middle:] == sorted(away[middle:])


@LOOKS
def test_text_is_readable(style: Look) -> None:
    assert contrast(style.ink, style.paper) > 10
    assert contrast(style.muted, style.paper) > 4.5


@LOOKS
def test_up_and_down_differ_without_green_and_red(style: Look) -> None:
    up, down = seen_by_deuteranope(style.up), seen_by_deuteranope(style.down)
    assert abs(up[2] - down[2]) > 0.1  # blue against its lack


def test_scale_spans_zero_to_one() -> None:
    assert scale(("#000000", "#888888", "#ffffff")) == [(0, "#000000"), (0.5, "#888888"), (1, "#ffffff")]


@pytest.mark.parametrize(("theme", "style"), [("dark", DARK), ("light", LIGHT), (None, LIGHT)])
def test_look_by_theme(theme: str | None, style: Look) -> None:
    assert look(theme) is style
