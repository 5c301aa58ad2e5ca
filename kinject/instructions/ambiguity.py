"""Whether an instruction can be followed by somebody who sees nothing but its own words and its input.

Rules find what points outside: a text that is not there, an earlier turn, the writer's own life, the present day. They
look at words only, so a chat model may be asked as well. What is doubtful goes out: tasks are cheap.
"""

import re

from kinject.instructions.alpaca import Task
from kinject.instructions.replies import says_yes
from kinject.lm.base import LM, Chat, Message

UNCLEAR = "unclear by itself"  # the reason when the model says so
ABSENT, ASKS_BACK = "refers to a text that is not there", "answer asks back"
_ANSWER_TOKENS = 16


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_TEXT = (
    "(text|passage|article|paragraph|sentence|statement|story|poem|document|e-?mail|letter|message|review|essay|quote"
    "|conversation|dialogue|transcript|report|code|function|snippet|program|list|table|data|dataset|number|word|recipe"
    "|description|product|item|customer|company|person|speech|abstract|summary|context|information|equation)s?"
)
# Pointing at something that an input would have to hold.
_POINTS = _any(
    r"\b(the|these|this|that|those) (above|following|below|given|provided|supplied|preceding)\b",
    rf"\b(above|following|below|provided|given) {_TEXT}\b",
    rf"\b(this|these|those) (\w+ )?{_TEXT}\b",
    r"\bthe (article|passage|paragraph|text|document|dialogue|conversation|transcript|snippet|dataset)\b",
    r"\b(given|shown|listed|mentioned|described|provided) (above|below|here)\b",
)
# What an instruction may bring along itself: something quoted, or a few words after a colon.
_BROUGHT = re.compile(r"[\"\u201c\u00ab'`]\S.*\S[\"\u201d\u00bb'`]|:\s*\S+\s+\S+", re.DOTALL)
_RULES = (
    (
        "refers to an earlier turn",
        _any(
            r"\b(previous|earlier|last|prior) (answer|response|question|message|instruction|task|reply)s?\b",
            r"\b(as|like) (you|we|i) (said|discussed|mentioned|talked|agreed)\b",
            r"\byou (just|already) (said|wrote|gave)\b",
            r"\bremember (when|what|that) (we|you|i)\b",
            r"\bcontinue (from )?where\b",
            r"\bdo (it|that|this) again\b",
        ),
    ),
    (
        "needs the writer's own context",
        _any(
            r"\b(my|our) (\w+ )?(account|order|calendar|inbox|schedule|appointment|meeting|booking|flight)s?\b",
            r"\b(my|our) (\w+ )?(essay|code|project|cv|resume|r\u00e9sum\u00e9|document|data|homework|paper|draft)s?\b",
            r"\b(my|our) (\w+ )?(company|team|city|neighbou?rhood|country|house|address|phone|computer|bank|bill)s?\b",
            r"\bwhere (i|we) (live|work|am|are)\b",
            r"\bnear me\b",
            r"\bwhat (is|are) my\b",
            r"\bwho am i\b",
        ),
    ),
    (
        "needs to know the present",
        _any(
            r"\b(today|today['\u2019]s|tomorrow|yesterday|tonight|right now|at the moment|this (week|month|year))\b",
            r"\b(current|currently|latest|nowadays|recent|recently|up[- ]to[- ]date|what time is it)\b",
        ),
    ),
)
_ASKS_BACK = _any(
    r"\W*please (provide|share|give|paste|specify|clarify|send)",
    r"\W*(could|can) you (please )?(provide|share|give|tell|clarify|specify)",
    r"\W*(sure|of course|certainly)\W+(please|could you|can you|what)",
    r"\W*i( would|['\u2019]d)? need (more|additional|further|to (see|know))",
    r"\W*you (have not|haven['\u2019]t|did not|didn['\u2019]t) (provide|give|share)",
    r"\W*(there is|i see) no (text|passage|article|input)",
)
_SYSTEM = "You judge instructions. Answer with one word: yes or no."
_QUESTION = (
    "Somebody is given the task below and nothing else: no earlier conversation, no attachment, no web, no calendar. "
    "Do they have everything that is needed to do it well?\n\n{task}"
)


def against(task: Task) -> str:
    """The first reason to think that something outside the task is needed, "" where there is none.

    The present, an earlier turn and the writer's life are no problem where the task has an input: that may hold them.
    """
    if not task.input:
        if _POINTS.search(task.instruction) and not _BROUGHT.search(task.instruction):
            return ABSENT
        reason = next((reason for reason, pattern in _RULES if pattern.search(task.instruction)), "")
        if reason:
            return reason
    return ASKS_BACK if _ASKS_BACK.match(task.output) else ""


def unclear(model: LM, task: Task) -> bool:
    """Whether the model says that the task lacks something; a reply that is neither yes nor no says nothing."""
    messages = (Message("system", _SYSTEM), Message("user", _QUESTION.format(task=task.prompt)))
    return says_yes(model.complete(Chat(messages, (), _ANSWER_TOKENS)).text) is False
