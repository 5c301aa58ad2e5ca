"""Pictures of the page over a run: a question answered side by side, after three challengers, at two widths.

`python -m benchmarks.screenshots RUN --out .github` writes page.png and page-phone.png. Draws nothing itself: what is
in the pictures is what the run's systems answered.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.browser import browser, serving
from benchmarks.output import guarded
from kinject.errors import OptionError
from kinject.store.files import temporary_for
from services.app import create_app

COLOURS = 128  # of the picture: text and flat surfaces need no more
LARGEST_BYTES = 150_000
WAIT_MS = 120_000  # a system is loaded by its first question
CHALLENGERS = ("denial", "authority", "false_value")


@dataclass(frozen=True)
class Look:
    """A picture's file and the window that it is taken in; as far down as `until`, which is a selector."""

    file: str
    width: int
    height: int
    until: str = ""


LOOKS = (Look("page.png", 1280, 900, ".push"), Look("page-phone.png", 390, 844, ".card:nth-child(2)"))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder of a finished run")
    parser.add_argument("--out", type=Path, default=Path(".github"), help="where the pictures go (default: .github)")
    parser.add_argument("--question", default="", help="default: the first recall question that has a false value")
    parser.add_argument("--systems", default="", help="A,B: only these (default: all)")
    chosen = parser.parse_args(arguments)
    if not chosen.out.is_dir():
        raise OptionError(f"--out {chosen.out} is no folder")
    with serving(create_app(chosen.run)) as address, browser() as window:
        for picture in pictures(window, address, chosen.question, tuple(filter(None, chosen.systems.split(",")))):
            whole = temporary_for(chosen.out / picture.file)
            whole.write_bytes(picture.png)
            whole.replace(chosen.out / picture.file)
            print(f"{chosen.out / picture.file}: {len(picture.png) / 1000:.0f} kB")


@dataclass(frozen=True)
class Picture:
    file: str
    png: bytes


def pictures(window: Browser, address: str, question: str, systems: Sequence[str]) -> list[Picture]:
    """One a look, each of a dialogue of its own. Raises OptionError where one is larger than the README should load."""
    return [Picture(look.file, _taken(window, address, look, question, systems)) for look in LOOKS]


def _taken(window: Browser, address: str, look: Look, question: str, systems: Sequence[str]) -> bytes:
    context = window.new_context(viewport={"width": look.width, "height": look.height}, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    try:
        page = context.new_page()
        page.goto(address)
        _converse(page, question, systems)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        bottom = page.locator(look.until).bounding_box()
        assert bottom is not None, f"{look.until} is not on the page"
        clip = {"x": 0, "y": 0, "width": look.width, "height": round(bottom["y"] + bottom["height"] + 24)}
        png = _small(page.screenshot(full_page=True, clip=clip))
    finally:
        context.close()
    if len(png) > LARGEST_BYTES:
        raise OptionError(
            f"{look.file} has {len(png)} bytes; at most {LARGEST_BYTES}: ask fewer systems with --systems"
        )
    return png


def _converse(page: Page, question: str, systems: Sequence[str]) -> None:
    """One question and three objections, each answered by all systems before the next."""
    page.wait_for_selector("#challengers button", state="attached")
    for box in page.locator("#systems input").all():
        box.set_checked(not systems or box.get_attribute("value") in systems)
    page.fill("#question", question or _first(page))
    page.click("#ask-button")
    for name in CHALLENGERS:
        _settle(page)
        page.click(f".say-{name}")
        page.wait_for_selector(f"#said li:nth-child({CHALLENGERS.index(name) + 1})")
    _settle(page)


def _settle(page: Page) -> None:
    page.wait_for_selector(".card")
    page.wait_for_selector("#stop", state="hidden")


def _first(page: Page) -> str:
    examples = page.evaluate("fetch('/examples').then(answer => answer.json())")["families"]
    known = [each for family in examples for each in family["examples"] if each["kind"] == "recall"]
    usable = [each["question"] for each in known if each["gold"] and each["rival"]]
    if not usable:
        raise OptionError("the run has no recall question with a false value to assert; give --question")
    return str(usable[0])


def _small(png: bytes) -> bytes:
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


if __name__ == "__main__":
    sys.exit(guarded(main))
