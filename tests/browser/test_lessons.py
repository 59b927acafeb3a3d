"""Lessons in a browser: walked by keyboard alone with right and wrong predictions, and kept by reload and Back."""

import math
import re

import pytest
from playwright.sync_api import expect

from labkit import lessons

pytestmark = pytest.mark.browser

NAME = "svgd-100-particles"
LOADS = 30_000  # ms until a page is there, on a busy machine
PLAYS = 60_000  # ms until a run has played its steps
FOCUSED = """() => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return [at.tagName, at.type || "", at.textContent, at.getAttribute("aria-label") || ""]
}"""


@pytest.fixture
def visit(server, page):
    """visit(address) opens a page, waits for its lesson and fails at the end if the page had errors."""
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))

    def go(address):
        page.goto(f"{server}/{address}", timeout=2 * LOADS, wait_until="commit")
        page.get_by_role("region", name="Lesson").wait_for(timeout=LOADS)
        return page

    yield go
    assert wrong == []


def link(lesson, step=1):
    return f"{lesson.page}?lesson={lesson.name}&step={step}"


def at_step(page, lesson, i):
    """Wait for step i, counted from 0."""
    page.get_by_text(lesson.steps[i].text, exact=True).wait_for(timeout=LOADS)
    page.wait_for_url(re.compile(rf"[?&]lesson={lesson.name}&step={i + 1}$"), timeout=LOADS, wait_until="commit")


def tab_to(page, wanted):
    """Press Tab until the element with this tag, type, text or label has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if any(re.search(wanted, part) for part in page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def answers(question, states):
    """A right and a wrong prediction; the right one is computed from the states without a page."""
    right = question.solution(question.find(states))
    if question.kind == "choice":
        return right, next(choice for choice in question.choices if choice != right)
    first = right[0] if isinstance(right, tuple) else right
    far = max((question.low, question.high), key=lambda end: abs(end - first))
    return right, (far, *right[1:]) if isinstance(right, tuple) else far


def answer(page, question, value):
    """Predict by keyboard."""
    if question.kind == "choice":
        page.keyboard.press(str(question.choices.index(value) + 1))
        return
    if question.kind == "number":
        tab_to(page, "^Your prediction$")
        page.keyboard.type(f"{value:.6g}")
        page.keyboard.press("Enter")
        return
    names = ("across", "up") if question.middle else ("x", "y")  # an image has no axes to read
    for axis, number in zip(names, value if isinstance(value, tuple) else (value,), strict=False):
        tab_to(page, f"^Place on the picture, {axis}$")
        slider = page.get_by_role("slider", name=f"Place on the picture, {axis}")
        expect(slider).not_to_have_attribute("max", "1", timeout=LOADS)
        slide(page, slider, number)


def slide(page, slider, value):
    """Move the focused slider to a value with the arrow keys; far ones from an end."""
    low, high, now = slider.evaluate("({ min, max, value }) => [min, max, value].map(Number)")
    if value in (low, high):
        page.keyboard.press("Home" if value == low else "End")
        return
    moves = round((value - now) / (high - low) * 100)
    keys = ["ArrowRight" if moves > 0 else "ArrowLeft"] * abs(moves)
    for key in keys or ["ArrowRight", "ArrowLeft"]:  # a slider that is already there must be moved once
        page.keyboard.press(key)


@pytest.mark.parametrize("name", lessons.names())
def test_a_lesson_is_walked_by_keyboard_alone_and_its_run_judges_right_and_wrong_answers(visit, name, violations):
    lesson, asked = lessons.load(name), 0
    page = visit(link(lesson))
    strip = page.get_by_role("region", name="Lesson")
    for i, (step, states) in enumerate(zip(lesson.steps, lessons.walk(lesson), strict=True)):
        at_step(page, lesson, i)
        if step.question is not None:
            right, asked = asked % 2 == 0, asked + 1
            check = asked == 1 and name == lessons.of_page(lesson.page)[0].name  # by axe-core
            assert not check or violations(page, strip) == []
            answer(page, step.question, answers(step.question, states)[0 if right else 1])
            if step.play:
                page.get_by_text(re.compile("^Your prediction:")).wait_for(timeout=LOADS)
        if step.play:
            tab_to(page, "^(Just play|Play) [0-9]+ step")
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Try again").wait_for(timeout=PLAYS)
        if step.question is not None:
            said = page.get_by_text(re.compile("^Right[.]" if right else "^Not quite[.]"))
            said.first.wait_for(timeout=LOADS)
            assert not check or violations(page, strip) == []
        if i + 1 < len(lesson.steps):
            page.keyboard.press("n")
    assert asked >= 2
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled(timeout=LOADS)
    hidden = page.get_by_text("A presentation hides the settings.")
    for presented in (False, True) if name == NAME else ():
        expect(hidden).to_be_visible(visible=presented, timeout=LOADS)
        page.keyboard.press("p")
    page.keyboard.press("b")
    at_step(page, lesson, len(lesson.steps) - 2)


def test_reload_back_and_forward_keep_the_step(visit):
    lesson = lessons.load(NAME)
    page = visit(link(lesson))
    for i in (1, 2):
        page.get_by_role("button", name="Next", exact=True).click()
        at_step(page, lesson, i)
    page.reload()
    at_step(page, lesson, 2)
    page.get_by_text(re.compile(r"^step 150 · paused")).wait_for(timeout=LOADS)  # with its state
    for move, i in ((page.go_back, 1), (page.go_back, 0), (page.go_forward, 1)):
        move()
        at_step(page, lesson, i)


def test_exploring_keeps_the_settings_and_one_click_goes_back_also_from_another_tab(visit):
    lesson = lessons.load(NAME)
    step = next(i for i, each in enumerate(lesson.steps) if each.settings.get("n"))
    page = visit(link(lesson, step + 1))
    at_step(page, lesson, step)
    page.get_by_role("button", name="Explore freely").click()
    page.wait_for_url(re.compile(r"/svgd\?n=10$"), timeout=LOADS, wait_until="commit")
    page.get_by_role("button", name=re.compile("^Back to the lesson")).click()
    at_step(page, lesson, step)

    page.get_by_role("button", name="Explore freely").click()  # another tab leaves the lesson, too
    page.get_by_role("button", name="Collapse", exact=True).click()
    page.wait_for_url(re.compile("tab=Collapse"), timeout=LOADS, wait_until="commit")
    page.get_by_role("button", name=re.compile("^Back to the lesson")).click()
    at_step(page, lesson, step)


def test_an_unknown_step_shows_the_reason_and_the_page(server, page):
    """tests/views/test_lessons.py has the reasons for other places that do not exist."""
    page.goto(f"{server}/svgd?lesson={NAME}&step=99")
    page.get_by_text("This link has no lesson:").wait_for(timeout=LOADS)
    page.get_by_role("button", name="Pause").wait_for(timeout=LOADS)
    page.get_by_role("region", name="Lesson").wait_for(state="hidden")


def test_a_tap_on_the_picture_of_a_phone_predicts_a_place(visit, page):
    page.set_viewport_size({"width": 390, "height": 844})
    lesson = lessons.load(NAME)
    step = next(i for i, each in enumerate(lesson.steps) if each.question and each.question.kind == "place")
    visit(link(lesson, step + 1))
    at_step(page, lesson, step)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    place = page.locator("[data-labkit=places]")
    place.wait_for(timeout=LOADS)
    box = place.bounding_box()
    place.click(position={"x": box["width"] / 2, "y": 20})
    page.get_by_text(re.compile("^Your prediction:")).wait_for(timeout=LOADS)
    slider = page.get_by_role("slider", name="Place on the picture, x")
    shown = float(slider.evaluate("(each) => each.value"))
    low, high = page.evaluate(
        """() => {
            const found = Bokeh.documents.flatMap((each) => [...each._all_models.values()])
                .find(({ type, title }) => type === "Figure" && !title?.text)
            return [found.x_range.start, found.x_range.end]
        }"""
    )
    assert math.isclose(shown, (low + high) / 2, abs_tol=0.02 * (high - low))


def test_each_of_two_questions_in_a_row_takes_its_own_place_on_the_picture(visit):
    lesson = lessons.load("svgd-one-particle")
    assert [lesson.steps[i].question.kind for i in (1, 2)] == ["place", "place"]
    page, predicted = visit(link(lesson, 2)), re.compile("^Your prediction:")
    place = page.locator("[data-labkit=places]")
    place.click(position={"x": 200, "y": 20}, timeout=LOADS)
    page.get_by_text(predicted).wait_for(timeout=LOADS)
    page.get_by_role("button", name=re.compile("^Play [0-9]+ steps")).click()
    page.get_by_text(re.compile("^(Right|Not quite)[.]")).first.wait_for(timeout=PLAYS)
    expect(place).to_have_css("pointer-events", "none", timeout=LOADS)  # it shows the answers and takes none
    page.keyboard.press("n")
    at_step(page, lesson, 2)
    place.click(position={"x": 200, "y": 20}, timeout=LOADS)
    page.get_by_text(predicted).wait_for(timeout=LOADS)
    expect(page.get_by_role("slider", name="Place on the picture, x")).to_have_attribute("max", "15", timeout=LOADS)


def test_the_start_page_and_the_page_itself_link_to_the_lessons(server, page):
    page.goto(server)
    page.get_by_role("link", name=re.compile("^Start here")).wait_for(timeout=LOADS)
    first = lessons.of_page("svgd")[0]
    page.get_by_role("link", name=first.title, exact=True).click()
    at_step(page, first, 0)
    page.get_by_text("Lessons", exact=True).click()
    for lesson in lessons.of_page("svgd"):
        page.get_by_role("link", name=lesson.title).wait_for()
