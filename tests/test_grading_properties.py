"""What holds of every answer, whatever its value: notation, units, order, case, negation, abstention."""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_grading import CORPUS, GRADER, KINDS, TABLE, probe_of, said

from kinject.corpus import Corpus, find, format_day, load
from kinject.grading import Grader, abstains
from kinject.types import Document, Fact, Outcome, Probe, Relation

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
AMOUNTS = st.builds(lambda n, places: Decimal(n).scaleb(-places), st.integers(1, 99_999), st.integers(0, 3))
FRAMES = ("{}", "It is {}.", "I think it is {}", "The answer: {}!", "{} is what the page says", "Vantor 300: {}")
ABSTENTIONS = (
    "I don't know.",
    "I do not know the {relation} of the Vantor 300",
    "Sorry, I have no information about the {relation} of the Vantor 300.",
    "I'm afraid that I can't tell you.",
    "The passages do not mention a {relation}.",
    "Its {relation} isn't listed anywhere.",
    "There is no record of it.",
    "I was not able to find the {relation}",
    "Unknown",
    "I am not aware of any {relation}.",
)


@cache
def world(kind: str, unit: str, *values: str) -> tuple[Grader, Probe]:
    """A grader for a corpus where the Vantor 300 has the first value and others have the rest, and its probe."""
    facts = [Fact(f"f{n}", f"Vantor {300 + n}", "quality", value, "d") for n, value in enumerate(values)]
    relation = Relation("quality", kind, (), (), (), unit=unit)
    corpus = Corpus("c", (Document("d", "-"),), tuple(facts), (relation,))
    return Grader(corpus), Probe("p", "recall", "?", values[:1], ("f0",), relation="quality", subject="Vantor 300")


def verdict(answer: str, kind: str, unit: str, *values: str) -> str:
    grader, probe = world(kind, unit, *values)
    return said(grader.grade(answer, probe))


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def notations(number: Decimal) -> list[str]:
    """How people write a number; a comma before exactly three decimals would be a thousand's."""
    whole, _, decimals = plain(number).partition(".")
    grouped = f"{int(whole):,}"
    forms = [plain(number), plain(number) + ("0" if decimals else ".0"), grouped + ("." + decimals if decimals else "")]
    forms += [form.replace(",", " ") for form in forms]
    if len(decimals) in (1, 2):
        forms += [f"{whole},{decimals}", f"{grouped.replace(',', '.')},{decimals}"]
    return forms


@EXAMPLES
@given(AMOUNTS, st.data(), st.sampled_from(FRAMES))
def test_a_number_is_right_in_every_notation(number, data, frame):
    answer = frame.format(data.draw(st.sampled_from(notations(number))) + data.draw(st.sampled_from([" kg", "kg", ""])))
    assert verdict(answer, "number", "kg", f"{plain(number)} kg") == "correct"


@EXAMPLES
@given(AMOUNTS, st.sampled_from(["€{}", "{} €", "EUR {}", "{} euros", "{}EUR"]), st.data())
def test_an_amount_of_money_is_right_in_every_notation(number, form, data):
    two_places = number.quantize(Decimal("0.01"))
    if two_places:
        answer = form.format(data.draw(st.sampled_from([plain(two_places), f"{two_places:,}", f"{two_places:f}"])))
        assert verdict(answer, "number", "EUR", f"{plain(two_places)} EUR") == "correct"


@EXAMPLES
@given(
    AMOUNTS,
    st.sampled_from(
        [
            ("kg", "g", 1000),
            ("kg", "grams", 1000),
            ("g", "kg", Decimal("0.001")),
            ("cm", "mm", 10),
            ("mm", "cm", Decimal("0.1")),
            ("m", "centimetres", 100),
            ("hours", "minutes", 60),
            ("years", "months", 12),
            ("l", "ml", 1000),
        ]
    ),
)
def test_a_converted_quantity_is_right(number, units):
    unit, other, factor = units
    assert verdict(f"{plain(number * factor)} {other}", "number", unit, f"{plain(number)} {unit}") == "correct"


@EXAMPLES
@given(AMOUNTS, AMOUNTS)
def test_another_number_is_wrong_in_any_unit(number, other):
    if number != other:
        gold = f"{plain(number)} kg"
        assert verdict(f"{plain(other)} kg", "number", "kg", gold) == "in_domain"
        assert verdict(f"{plain(other * 1000)} g", "number", "kg", gold) == "in_domain"


@EXAMPLES
@given(st.integers(0, 999_999), st.booleans(), st.booleans())
def test_a_number_in_words_is_the_number(number, british, hyphen):
    answer = spell(number, british, "-" if hyphen else " ")
    assert verdict(f"It lasts {answer} hours.", "number", "hours", f"{number} hours") == "correct", answer


@EXAMPLES
@given(
    AMOUNTS, AMOUNTS, st.sampled_from(["{} or {}", "{} and {}", "either {} or {}", "{}, {}", "{}; maybe {}", "{}-{}"])
)
def test_two_numbers_are_not_right(number, other, both):
    if number != other:
        answer = both.format(f"{plain(number)} kg", f"{plain(other)} kg")
        assert verdict(answer, "number", "kg", f"{plain(number)} kg", f"{plain(other)} kg") == "several"


@pytest.mark.parametrize("both", ["{0} or {1}", "{1} or {0}", "either {0} or {1}", "It is {0}. It is {1}.", "{1}; {0}"])
@pytest.mark.parametrize("relation", sorted(KINDS))
def test_the_right_value_beside_another_one_is_not_right(relation, both):
    probe = probe_of(relation)
    values = {fact.object for fact in CORPUS.facts if fact.relation == relation} - {*probe.gold, "Vantor 300"}
    gold = " and ".join(probe.gold) if relation == "colours" else probe.gold[0]
    assert {said(GRADER.grade(both.format(gold, value), probe)) for value in values} <= {"several"}


@EXAMPLES
@given(st.integers(0, 60_000), st.data(), st.sampled_from(FRAMES))
def test_a_day_is_right_in_every_form(offset, data, frame):
    day = date(1850, 1, 1) + timedelta(offset)
    ordinal = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}.get(day.day, "th")
    forms = [
        day.isoformat(),
        f"{day.isoformat()}T00:00:00",
        format_day(day),
        f"{day:%d.%m.%Y}",
        f"{day:%d/%m/%Y}",
        f"{day:%m/%d/%Y}",
        f"{day:%Y/%m/%d}",
        f"{day:%B} {day.day}, {day.year}",
        f"{day:%b} {day.day} {day.year}",
        f"the {day.day}{ordinal} of {day:%B} {day.year}",
        f"{day:%A}, {day.day} {day:%B} {day.year}",
    ]
    answer = frame.format(data.draw(st.sampled_from(forms)))
    assert verdict(answer, "date", "", format_day(day)) == "correct"


@EXAMPLES
@given(st.dates(date(1850, 1, 1), date(2030, 1, 1)), st.integers(1, 400))
def test_another_day_and_a_mere_month_or_year_are_wrong(day, later):
    for answer in (format_day(day + timedelta(later)), f"{day:%B %Y}", f"{day.year}"):
        assert verdict(answer, "date", "", format_day(day)) == "in_domain"


@pytest.mark.parametrize("relation", sorted(set(KINDS) - {"colours", "compatible with", "waterproof"}))
@pytest.mark.parametrize("form", ["not {}", "It is not {}.", "It isn't {}", "It is certainly not {}!", "never {}"])
def test_a_denied_value_is_not_the_value(relation, form):
    probe = probe_of(relation)
    assert said(GRADER.grade(form.format(probe.gold[0]), probe)) != "correct"


@pytest.mark.parametrize(
    "markup",
    ["**{}**", "*{}*", "__{}__", "_{}_", "> {}", "- {}", "`{}`", '"{}"', "\u201c{}\u201d", "({})", "# {}", "\n{}\n"],
)
def test_markup_does_not_change_a_verdict(markup):
    changed = [row for row in TABLE if said(GRADER.grade(markup.format(row[1]), probe_of(row[0]))) != row[2]]
    assert changed == []


@pytest.mark.parametrize("ending", [".", "!", " .", "...", "\n", "  ", ";", ". "])
def test_punctuation_at_the_end_does_not_change_a_verdict(ending):
    bare = [(relation, answer.rstrip(".!?"), expected) for relation, answer, expected in TABLE]
    changed = [row for row in bare if said(GRADER.grade(row[1] + ending, probe_of(row[0]))) != row[2]]
    assert changed == []


@pytest.mark.parametrize("relation", sorted(set(KINDS) - {"market", "energy class"}))
@pytest.mark.parametrize("changed", [str.upper, str.lower, str.title, str.swapcase])
@pytest.mark.parametrize("frame", FRAMES)
def test_case_does_not_change_what_is_right(relation, changed, frame):
    probe = probe_of(relation)
    value = " and ".join(dict.fromkeys(probe.gold)) if relation == "colours" else probe.gold[0]
    assert said(GRADER.grade(changed(frame.format(value)), probe)) == "correct"


@pytest.mark.parametrize("relation", sorted(KINDS))
@pytest.mark.parametrize("text", ABSTENTIONS)
def test_an_abstention_is_never_right_and_always_an_abstention(relation, text):
    answer = text.format(relation=relation)
    unknown = Probe("p", "unanswerable", "?", (), relation=relation, subject="Vantor 300")
    assert abstains(answer)
    assert GRADER.grade(answer, probe_of(relation)).outcome is Outcome.NOT_ATTEMPTED
    assert GRADER.grade(answer, unknown).outcome is Outcome.NOT_ATTEMPTED


@pytest.mark.parametrize("relation", sorted(set(KINDS) - {"colours", "tags"}))
@pytest.mark.parametrize(
    "hedge",
    ["I'm not sure, but {}", "Not certain, probably {}", "Maybe {}?", "I believe it is {}, but don't quote me."],
)
def test_a_hedged_value_is_an_answer(relation, hedge):
    probe = probe_of(relation)
    assert said(GRADER.grade(hedge.format(probe.gold[0]), probe)) == "correct"


COLOURS = ("red", "navy blue", "green", "sand", "off-white", "black")


def enumerated(items, form):
    joint, last = {"and": (", ", " and "), "oxford": (", ", ", and "), "lines": ("\n- ", "\n- ")}.get(
        form, (form, form)
    )
    return (joint.join(items[:-1]) + last + items[-1]) if len(items) > 1 else items[0]


@EXAMPLES
@given(
    st.permutations(COLOURS),
    st.integers(2, 5),
    st.sampled_from(["and", "oxford", ", ", "; ", " / ", "lines"]),
    st.data(),
)
def test_a_list_is_right_in_any_order_and_only_whole(items, size, form, data):
    gold, (extra, *_) = items[:size], items[size:]
    values = tuple(sorted(gold))
    facts = [Fact(f"f{n}", "Vantor 300", "colours", value, "d") for n, value in enumerate(values)]
    facts.append(Fact("x", "Vantor 301", "colours", extra, "d"))
    grader = Grader(Corpus("c", (Document("d", "-"),), tuple(facts), (Relation("colours", "list", (), (), ()),)))
    probe = Probe("p", "recall", "?", values, tuple(f.id for f in facts[:-1]), relation="colours", subject="Vantor 300")
    missing = data.draw(st.sampled_from(gold))
    answers = (gold, [one for one in gold if one != missing], [*gold, extra], [*gold, "mauve"])
    found = [said(grader.grade(enumerated(list(answer), form), probe)) for answer in answers]
    assert found == ["correct", "incomplete", "several", "several"]


@pytest.mark.parametrize("name", ["catalog", "presidents"])
def test_an_alias_is_graded_as_its_name(name):
    corpus = load(find(name))
    grader, aliased = Grader(corpus), [fact for fact in corpus.current().facts if fact.aliases]
    assert len(aliased) > 40
    for fact in aliased[:: max(1, len(aliased) // 60)]:
        probe = Probe("p", "recall", "?", (fact.object,), (fact.id,), relation=fact.relation, subject=fact.subject)
        found = [said(grader.grade(f"It is {spelling}.", probe)) for spelling in (fact.object, *fact.aliases)]
        assert set(found) == {"correct"}, (fact, found)


SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
TENTHS = "- - twenty thirty forty fifty sixty seventy eighty ninety"
ONES, TENS = SMALL.split(), TENTHS.split()


def spell(number, british, joint):
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (joint + ONES[number % 10] if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    link = " and " if british and 0 < rest < 100 else " "
    return spell(number // size, british, joint) + f" {name}" + (link + spell(rest, british, joint) if rest else "")
