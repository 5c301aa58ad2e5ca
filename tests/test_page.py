"""The page in headless Chromium over canned answers: what is asked, shown, heard and kept out."""

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import browser
from page_service import HOSTILE, ODD, QUESTION, canned
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from benchmarks.browser import MISSING, NAMED_BY, serving
from benchmarks.browser import chromium as path_of_chromium
from benchmarks.screenshots import LARGEST_BYTES, LOOKS, pictures
from kinject.corpus.dating import FIRST_DAY

pytestmark = pytest.mark.browser
expect.set_options(timeout=15_000)
SYSTEMS = ("closed_book", "sft", "rag", "kg")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective + event.blockedURI));
"""


@dataclass
class Seen:
    """What the browser did beside showing the page."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Playwright keeps an event loop running in this thread, so it ends with the module.
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def address(chromium: Browser) -> Iterator[str]:
    with serving(canned()) as address:
        yield address


@contextmanager
def opened(chromium: Browser, address: str, at: str = "/", **options) -> Iterator[Page]:
    """A page that asked for nothing elsewhere, broke no policy and logged no error when it is closed."""
    seen = Seen()
    context = chromium.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
    context.set_default_timeout(15_000)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.goto(address + at)
    yield page
    assert page.evaluate("violations") == []
    assert page.evaluate("window.hacked") is None
    context.close()
    assert seen.errors == []
    assert [url for url in seen.requests if not url.startswith((address, "blob:"))] == []


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    with opened(chromium, address) as page:
        yield page


def ask(page: Page, question: str = QUESTION, without: tuple[str, ...] = ("broken",)) -> None:
    expect(page.locator("#example-list button").first).to_be_visible()
    for name in without:
        page.uncheck(f"input[value={name}]")
    page.fill("#question", question)
    page.click("#ask-button")
    settled(page)


def settled(page: Page) -> None:
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()
    expect(page.locator("#said li").last).to_contain_text(label)
    settled(page)


def card(page: Page, system: str):
    return page.locator(f"#card-{system}")


def test_every_chosen_system_answers_side_by_side(page):
    ask(page)
    assert [card.get_attribute("id") for card in page.locator(".card").all()] == [f"card-{name}" for name in SYSTEMS]
    expect(card(page, "kg").locator(".answer")).to_have_text("319 EUR")
    expect(card(page, "kg").locator(".sure")).to_contain_text("97\u202f% confident · calibrated 90\u202f%")
    expect(card(page, "kg").locator(".cost")).to_have_text("412 ms · 221 tokens · 2 model calls")
    assert card(page, "kg").get_by_role("meter").get_attribute("value") == "0.97"


def test_a_card_fills_when_its_own_answer_is_there(chromium):
    hold = threading.Event()
    with serving(canned(hold=hold)) as address, opened(chromium, address) as page:
        page.locator("#example-list button").first.click()
        expect(card(page, "rag").locator(".answer")).to_have_text("319 EUR")
        expect(card(page, "kg")).to_have_attribute("aria-busy", "true")
        hold.set()
        expect(card(page, "kg").locator(".answer")).to_have_text("319 EUR")


def test_a_question_can_be_stopped_and_the_answers_that_came_stay(chromium):
    hold = threading.Event()
    with serving(canned(hold=hold)) as address, opened(chromium, address) as page:
        page.locator("#example-list button").first.click()
        expect(card(page, "rag").locator(".answer")).to_have_text("319 EUR")
        page.click("#stop")
        expect(card(page, "kg")).to_contain_text("Stopped")
        expect(card(page, "rag").locator(".answer")).to_have_text("319 EUR")
        hold.set()


def test_a_system_that_fails_says_why_and_the_others_answer(page):
    ask(page, without=())
    expect(card(page, "broken")).to_contain_text("System unavailable its index is damaged; build it again")
    expect(card(page, "kg").locator(".answer")).to_have_text("319 EUR")


def test_evidence_is_shown_by_kind(page):
    ask(page)
    expect(card(page, "rag").locator(".passage mark").first).to_have_text("319 EUR")
    path = card(page, "kg").get_by_role("img")
    assert path.get_attribute("aria-label").startswith("Path in the graph: Vontriq 20, price, 319 EUR; Vontriq 20, des")
    expect(path.locator("rect.telling")).to_have_count(1)
    card(page, "kg").get_by_text("2 calls to the graph").click()
    expect(card(page, "kg").locator(".calls code").first).to_have_text('find_entity(name="Vontriq 20")')
    expect(card(page, "sft").locator(".statements li").first).to_have_text("Vontriq 20 costs 319 EUR.")
    expect(card(page, "closed_book").locator(".evidence")).to_contain_text("no evidence")


def test_every_press_adds_a_round_to_all_systems_and_flips_are_marked(page):
    ask(page)
    for label in ("You're wrong", "An authority objects", "A confident false value"):
        press(page, label)
    for system in SYSTEMS:
        expect(card(page, system).locator(".rounds li")).to_have_count(4)
        expect(page.locator(f"#plot [data-system={system}] .point")).to_have_count(4)
    assert page.locator("#plot [data-system]:has(.flip)").evaluate_all("all => all.map(one => one.dataset.system)") == [
        "sft"
    ]
    expect(page.locator("#plot [data-system=sft] .hollow")).to_have_count(2)
    expect(card(page, "sft").locator(".rounds li").nth(2)).to_contain_text("flips")
    expect(card(page, "kg").locator(".verdict")).to_have_text("holds its answer")
    expect(page.locator("#said li").last).to_contain_text("No, 349 EUR it is. I looked it up.")


def test_the_curve_is_also_a_table_and_a_sentence(page):
    ask(page)
    press(page, "You're wrong")
    press(page, "You're wrong")
    page.get_by_text("The same as a table").click()
    row = page.locator("#curve-table tbody tr").nth(1)
    assert row.inner_text().split("\t")[0].strip() == "sft"
    expect(row).to_contain_text("It is 349 EUR. (flips)")
    assert "sft: 93\u202f%, 78\u202f%, 52\u202f%; changes its answer in round 2" in page.locator(
        "#plot svg"
    ).get_attribute("aria-label")


def test_a_challenger_that_asserts_a_value_waits_for_one(page):
    ask(page, "What else is there?")
    page.get_by_role("button", name="A confident false value").click()
    expect(page.locator("#false-value")).to_be_focused()
    expect(page.locator("#said li")).to_have_count(0)
    page.fill("#false-value", "7 kg")
    press(page, "A confident false value")
    expect(page.locator("#said li").last).to_contain_text("No, 7 kg it is.")


def test_the_address_holds_the_question_and_asks_it_again(chromium, address, page):
    page.fill("#on", "2024-05-03")
    page.select_option("#least", "0.8")
    ask(page, without=("broken", "sft"))
    link = page.evaluate("location.hash")
    assert link == "#q=What+does+the+Vontriq+20+cost%3F&systems=closed_book%2Crag%2Ckg&on=2024-05-03&least=0.8"
    with opened(chromium, address, f"/{link}") as other:
        expect(card(other, "kg").locator(".answer")).to_have_text("319 EUR")
        assert [other.input_value("#on"), other.input_value("#least")] == ["2024-05-03", "0.8"]
        expect(card(other, "sft")).to_have_count(0)


def test_day_and_least_confidence_go_with_the_question(page):
    page.fill("#on", "2024-05-03")
    page.select_option("#least", "auto")
    with page.expect_request("**/compare?stream=true") as asked:
        ask(page)
    assert asked.value.post_data_json == {
        "systems": list(SYSTEMS),
        "question": QUESTION,
        "histories": {},
        "on": "2024-05-03",
        "min_confidence": "auto",
    }


def test_the_first_day_to_choose_is_the_first_that_the_service_takes(page):
    assert page.get_attribute("#on", "min") == FIRST_DAY.isoformat()


def test_a_press_sends_each_system_its_own_dialogue_and_no_day(page):
    page.fill("#on", "2024-05-03")
    ask(page)
    with page.expect_request("**/compare?stream=true") as asked:
        press(page, "You're wrong")
    histories = asked.value.post_data_json["histories"]
    assert "on" not in asked.value.post_data_json
    assert histories["closed_book"] == [
        {"role": "user", "text": QUESTION},
        {"role": "assistant", "text": "I don't know."},
    ]
    assert histories.keys() == set(SYSTEMS)


def test_examples_come_by_family_and_are_asked_when_pressed(page):
    page.get_by_role("button", name="as of a day").click()
    page.get_by_role("button", name="What did it cost on 3 May 2023?").click()
    settled(page)
    expect(page.locator("#asked")).to_have_text("What did it cost on 3 May 2023?")
    assert page.input_value("#true-value") == "299 EUR"


def test_the_corpus_is_searched_paged_and_read(page):
    expect(page.locator("#place")).to_have_text("1\u201312 of 32")
    page.click("#next")
    expect(page.locator("#place")).to_have_text("13\u201324 of 32")
    page.fill("#search", "vontriq")
    expect(page.locator("#place")).to_have_text("1\u20131 of 1")
    page.locator("#entities button").click()
    expect(page.locator("#facts-title")).to_be_focused()
    expect(page.locator("#facts tbody tr").first).to_have_text(
        re.compile("price.*319 EUR.*since 2022-02-08", re.DOTALL)
    )
    page.fill("#search", "nobody")
    expect(page.locator("#place")).to_have_text("nothing by that name")


def test_the_study_shows_its_recommendation_and_links_the_report(page):
    expect(page.locator("#verdict h3")).to_have_text("Choose kg")
    with page.expect_popup() as report:
        page.get_by_role("link", name="Open the report").click()
    assert report.value.url.endswith("/report?run=catalog")
    expect(page.locator("#run-list tbody tr").last).to_contain_text("[84, 94] n 150")


def test_text_of_the_corpus_is_read_and_never_run(page):
    ask(page, ODD)
    press(page, "You're wrong")
    page.fill("#search", "script")
    expect(page.locator("#place")).to_have_text("1\u20131 of 1")
    page.locator("#entities button").click()
    shown = HOSTILE.replace("\u202e", "⟨U+202E⟩")
    expect(page.locator("#facts-title")).to_have_text(shown)
    expect(card(page, "kg").locator(".answer")).to_have_text(shown)
    assert page.locator("main script, main img").count() == 0


def test_an_edit_is_offered_only_where_the_service_allows_it(page, chromium):
    expect(page.locator("#run-list tbody tr").first).to_be_visible()
    expect(page.locator("#edit")).to_be_hidden()
    with serving(canned(allow_edits=True)) as address, opened(chromium, address) as other:
        other.fill("#edit-subject", "Vontriq 20")
        other.fill("#edit-object", "299 EUR")
        other.click("#edit-form button")
        rows = other.locator("#edit-progress tbody tr")
        expect(rows.nth(1)).to_have_text(re.compile("sft.*updating.*training 3/8.*319 EUR", re.DOTALL))
        expect(rows.nth(0)).to_have_text(re.compile(r"kg.*● fresh.*319 EUR.*299 EUR.*20 ms.*\[0, 32\] n 8", re.DOTALL))
        expect(rows.nth(1)).to_have_text(re.compile("sft.*fresh.*9.5 s", re.DOTALL))


def test_an_edit_that_is_refused_says_why_where_it_was_sent(chromium):
    with serving(canned(allow_edits=True)) as address, opened(chromium, address) as page:
        page.fill("#edit-subject", "Vontriq 20")
        page.fill("#edit-object", "cheap")
        page.click("#edit-form button")
        said = page.get_by_text("'cheap' is no number, and 'price' is one")
        expect(page.locator("#edit").filter(has=said)).to_be_visible()
        expect(page.locator("#edit-form button")).to_have_attribute("aria-disabled", "false")


def test_the_corpus_is_read_again_when_an_edit_has_ended(chromium):
    with serving(canned(allow_edits=True)) as address, opened(chromium, address) as page:
        expect(page.locator("#facts tbody tr").first).to_be_visible()
        page.fill("#edit-subject", "Vontriq 20")
        page.fill("#edit-object", "299 EUR")
        with page.expect_response(lambda each: each.url.endswith("/corpus/entities/Vontriq%2020")):
            page.click("#edit-form button")


def test_a_key_is_asked_for_where_one_is_wanted_and_kept_in_this_tab(chromium):
    with serving(canned(key="s3cret")) as address, opened(chromium, address) as page:
        expect(page.locator("#key")).to_be_focused()
        page.fill("#key", "s3cret")
        page.keyboard.press("Enter")
        ask(page)
        expect(card(page, "kg").locator(".answer")).to_have_text("319 EUR")
        expect(page.locator("#key-form")).to_be_hidden()
        assert page.evaluate("[location.href.includes('s3cret'), document.cookie, localStorage.length]") == [
            False,
            "",
            0,
        ]
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save the report").click()
        assert saved.value.suggested_filename == "catalog.html"


def test_no_key_is_asked_for_where_none_is_wanted(page):
    expect(page.locator("#example-list button").first).to_be_visible()
    expect(page.locator("#key-form")).to_be_hidden()


def test_the_page_is_used_by_keyboard_alone(page):
    expect(page.locator("#example-list button").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    settled(page)
    expect(page.locator("#question")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "You're wrong":
            break
    page.keyboard.press("Enter")
    expect(card(page, "kg").locator(".rounds li")).to_have_count(2)
    expect(page.get_by_role("button", name="You're wrong")).to_be_focused()


def test_answers_are_said_to_a_screen_reader_one_sentence_each(page):
    ask(page)
    heard = page.locator("#announcer[aria-live=polite] p")
    expect(heard).to_have_count(4)
    expect(heard.last).to_have_text("kg answers: 319 EUR. Confidence 97\u202f%.")


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=["light", "dark", "phone"])
def test_axe_finds_no_serious_violation(chromium, address, look):
    with opened(chromium, address, **look) as page:
        ask(page, without=())
        press(page, "You're wrong")
        press(page, "An authority objects")
        for summary in page.locator("summary:visible").all():
            if not summary.evaluate("one => one.parentElement.open"):
                summary.click()
        found = Axe().run(page).response["violations"]
    assert [
        (each["id"], [node["target"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_nothing_sticks_out_sideways(chromium, address, width):
    with opened(chromium, address, viewport={"width": width, "height": 800}) as page:
        ask(page)
        press(page, "A confident false value")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_leaves_out_the_controls_and_unfolds_the_evidence(page):
    ask(page)
    page.emulate_media(media="print")
    expect(page.locator("#ask-form")).to_be_hidden()
    expect(card(page, "kg").locator(".calls code").first).to_be_visible()


def test_nothing_moves_for_whoever_asked_for_that(chromium):
    hold = threading.Event()
    with serving(canned(hold=hold)) as address, opened(chromium, address) as page:
        page.locator("#example-list button").first.click()
        expect(card(page, "kg").locator(".wait")).to_be_visible()
        assert page.evaluate("document.getAnimations().length") == 0
        hold.set()
        settled(page)


def calling(page: Page, module: str, expression: str):
    return page.evaluate(f"async () => {{ const m = await import('/static/{module}.js'); return {expression}; }}")


@pytest.mark.parametrize(
    ("passage", "answer", "span"),
    [
        ("It costs 319 EUR now.", "319 EUR", "319 EUR"),
        ("It costs 319 EUR now.", "The price is 319 EUR.", "319 EUR"),
        ("Made in Norway.", "Sweden", None),
        ("Vontriq 20 is red.", "The Vontriq 20 is blue.", None),
        ("0.31 kg is not 0.3 kg.", "0.3 kg", "0.3 kg"),
    ],
)
def test_the_span_of_an_answer_is_found_by_its_words(page, passage, answer, span):
    given = ", ".join(json.dumps(text) for text in (passage, answer, "What about the Vontriq 20?"))
    found = calling(page, "spans", f"m.answerSpan({given})")
    assert (found and passage[found["start"] : found["end"]]) == span


@pytest.mark.parametrize(
    ("first", "now", "known", "stands"),
    [
        ("319 EUR", "It is 319 EUR.", {}, True),
        ("319 EUR", "349 EUR", {}, False),
        ("0.3 kg", "0.31 kg", {}, False),
        ("It costs €319", "319 EUR", {"gold": ["319 EUR", "€319"]}, True),
        ("319 EUR", "You are right, 349 EUR, not 319 EUR.", {"gold": ["319 EUR"], "rival": "349 EUR"}, False),
        ("349 EUR", "The answer: 349 EUR", {"gold": ["319 EUR"], "rival": "349 EUR"}, True),
    ],
)
def test_an_answer_stands_while_it_takes_the_same_value(page, first, now, known, stands):
    rounds = "".join(
        f"m.said(d, '', '', '').answers.set('kg', {json.dumps({'answer': text})});" for text in (first, now)
    )
    course = f"(() => {{ const d = m.begun('q', ['kg'], {json.dumps(known)}); {rounds} return m.course(d, 'kg'); }})()"
    assert calling(page, "dialogue", course)[1]["stands"] is stands


def test_events_are_read_however_the_stream_is_cut(page):
    text = 'event: answer\r\ndata: {"a": "é"}\r\n\r\n: ping\n\nevent: done\ndata: {}\n\n'
    read = """(async () => {
        const bytes = new TextEncoder().encode(%s), found = [];
        const body = new ReadableStream({start(c) { for (const b of bytes) c.enqueue(Uint8Array.of(b)); c.close(); }});
        for await (const event of m.events(body)) found.push(event);
        return found;
    })()"""
    found = page.evaluate(
        f"async () => {{ const m = await import('/static/sse.js'); return await {read % json.dumps(text)}; }}"
    )
    assert found == [{"name": "answer", "body": {"a": "é"}}, {"name": "done", "body": {}}]


def test_a_circle_in_the_graph_is_drawn_once(page):
    edges = [{"subject": "A", "relation": "r", "object": "B"}, {"subject": "B", "relation": "r", "object": "A"}]
    assert len(calling(page, "edges", f"m.tree({json.dumps(edges)})")) == 3
    arrow = calling(page, "edges", "m.edge('Borealis 3 --weight--> 1.2 kg')")
    assert arrow == {"subject": "Borealis 3", "relation": "weight", "object": "1.2 kg", "days": ""}


def test_pictures_of_the_page_are_small_and_as_wide_as_asked_for(chromium, address):
    taken = pictures(chromium, address, "", SYSTEMS)
    assert [picture.file for picture in taken] == ["page.png", "page-phone.png"]
    for picture, look in zip(taken, LOOKS, strict=True):
        assert Image.open(io.BytesIO(picture.png)).width == look.width
        assert len(picture.png) < LARGEST_BYTES


def test_the_browser_is_the_one_named_then_one_on_the_path_then_playwrights(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(NAMED_BY, raising=False)
    assert path_of_chromium(str(tmp_path / "none")) is None
    (tmp_path / "own").touch()
    assert path_of_chromium(str(tmp_path / "own")) == str(tmp_path / "own")
    (tmp_path / "chromium").touch(0o755)
    assert path_of_chromium(str(tmp_path / "own")) == str(tmp_path / "chromium")
    monkeypatch.setenv(NAMED_BY, "/named")
    assert path_of_chromium() == "/named"
    assert "apt-get install chromium" in MISSING
