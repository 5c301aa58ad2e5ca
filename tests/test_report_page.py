"""The page's colours: text and marks stand out in light, in dark and in print."""

import re
from importlib import resources

import pytest

CSS = resources.files("kinject.report").joinpath("templates/report.css").read_text(encoding="utf-8")
LIGHT, DARK, PRINT = (block for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL))
COLOUR = re.compile(r"--([\w-]+): (#[0-9a-f]{3,6});")


def colours(*blocks: str) -> dict[str, str]:
    """What the later block does not set stays as it was."""
    return {name: value for block in blocks for name, value in COLOUR.findall(block)}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


THEMES = {
    "light": colours(LIGHT),
    "dark": colours(LIGHT, DARK),
    "print of light": colours(LIGHT, PRINT),
    "print of dark": colours(LIGHT, DARK, PRINT),
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [("ink", "paper"), ("ink", "raised"), ("ink", "heat"), ("muted", "paper"), ("muted", "raised"), ("link", "paper")],
)
def test_text_stands_out_in_every_theme(theme: str, text: str, ground: str) -> None:
    assert contrast(THEMES[theme][text], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_every_systems_colour_is_seen_in_every_theme(theme: str) -> None:
    drawn = {name: value for name, value in THEMES[theme].items() if name.startswith("s-")}
    assert len(drawn) == 11
    assert [name for name, value in drawn.items() if contrast(value, THEMES[theme]["paper"]) < 3] == []
