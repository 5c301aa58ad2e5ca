"""What a chat model said, read robustly: a list of lines, named parts, yes or no, a score.

Models number, bold and quote as they like, and some think aloud first. Where a reply holds nothing that was asked for,
that is what is returned; nothing is guessed.
"""

import re

_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL | re.IGNORECASE)
_ITEM = re.compile(
    r"^\s*(?:\*\*)?(?:(?:task|instruction)\s+)?(?:\d{1,3}\s*[.):]|[-*\u2022])(?:\*\*)?\s+(.*\S)\s*$", re.I
)
_AROUND = "\"'`*\u201c\u201d "
_NOTHING = frozenset({"", "none", "n/a", "no input", "noinput", "<noinput>", "empty", "not needed", "not applicable"})
_SCORE = re.compile(r"score(?:\s*\(1-5\))?\W{0,4}([1-5])(?!\d)", re.IGNORECASE)
_MOST_LABELS, _LONGEST_LABEL = 8, 4  # labels, and words of one
_YES = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


def spoken(reply: str) -> str:
    """The reply without what was thought aloud before it."""
    return _THOUGHT.sub("", reply).strip()


def items(reply: str, cut_off: bool = False) -> list[str]:
    """The items of a numbered or dotted list, without numbers, bold and quotes; less the last if it is cut off."""
    found = [match[1].strip(_AROUND) for line in spoken(reply).splitlines() if (match := _ITEM.match(line))]
    return [item for item in (found[:-1] if cut_off else found) if item]


def parts(reply: str, names: tuple[str, ...]) -> dict[str, str]:
    """The text after each `Name:` at the beginning of a line, up to the next name; a missing part has no key.

    "none" and the like count as an empty part. A name that comes again begins another example, which is left out.
    """
    text = spoken(reply)
    heads = list(re.finditer(rf"^[#*\s]*({'|'.join(names)})[*\s]*:[*]*[ \t]*", text, re.IGNORECASE | re.MULTILINE))
    found: dict[str, str] = {}
    for n, head in enumerate(heads):
        name = next(name for name in names if name.casefold() == head[1].casefold())
        if name in found:
            break
        end = heads[n + 1].start() if n + 1 < len(heads) else len(text)
        part = text[head.end() : end].strip()
        found[name] = "" if part.strip(_AROUND + ".()").casefold() in _NOTHING else part
    return found


def labels(reply: str) -> list[str]:
    """Two to eight short labels separated by commas or lines; none where the reply is something else."""
    found = [label.strip(_AROUND + ".") for label in re.split(r"[,;\n]", spoken(reply))]
    found = list(dict.fromkeys(label for label in found if label))
    fits = 2 <= len(found) <= _MOST_LABELS and all(len(label.split()) <= _LONGEST_LABEL for label in found)
    return found if fits else []


def says_yes(reply: str) -> bool | None:
    """Whether the reply begins with yes or with no; None if with neither."""
    found = _YES.match(spoken(reply))
    return found[1].casefold() == "yes" if found else None


def score(reply: str) -> int | None:
    """The last "Score: N" of 1 to 5, or a reply that is nothing but the number."""
    text = spoken(reply)
    found = _SCORE.findall(text) or re.findall(r"\A\W*([1-5])\W*\Z", text)
    return int(found[-1]) if found else None
