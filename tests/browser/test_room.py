"""A class: the teacher opens a room on a page, students follow it, answer, drive, and try it themselves."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from labkit import lessons
from labkit.views.lessons import places

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def school(serving, command, free_port, get):
    """The address of a server for a class, which has loaded its pages."""
    port = free_port()
    options = ["--no-browser", "--visitors", "1", "--address", "0.0.0.0", "--port", str(port)]
    started = serving([*command, "serve", *options], port)
    base = next(started)
    get(f"{base}/svgd")
    yield base
    next(started, None)


@pytest.fixture
def key(school, log_of):
    return re.search(r"teacher's key: (\w+)", log_of(school))[1]


@pytest.fixture
def teacher(school, key, page):
    """The teacher's page of 60 particles and two controls, opened as a presentation, with an open room."""
    page.goto(f"{school}/svgd?n=60&present=1&controls=target,n")
    page.get_by_role("button", name="Pause").wait_for(timeout=20_000)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Class", exact=True).click()
    page.get_by_label("Teacher's key").fill(key)
    page.get_by_role("button", name="Open a class").click()
    page.get_by_role("heading", name=re.compile("Class [a-z]+-[a-z]+")).wait_for(timeout=20_000)
    yield page
    page.get_by_role("button", name="End the class").click()


@pytest.fixture
def student(school, teacher, browser):
    """The page of a student who follows, on a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    found = context.new_page()
    found.foreign, found.wrong = [], []
    found.on(
        "request",
        lambda request: request.url.startswith((school, f"blob:{school}")) or found.foreign.append(request.url),
    )
    found.on("pageerror", lambda error: found.wrong.append(str(error)))
    found.on("console", lambda message: message.type == "error" and found.wrong.append(message.text))
    name = re.search("[a-z]+-[a-z]+", teacher.get_by_role("heading", name=re.compile("Class")).inner_text())[0]
    found.goto(f"{school}/room/{name}")
    found.get_by_text("live", exact=True).wait_for(timeout=20_000)
    yield found
    assert (found.foreign, found.wrong) == ([], [])
    context.close()


def steps(page):
    return int(re.search(r"step (\d+)", page.get_by_text(re.compile(r"^step \d+")).inner_text())[1])


def shown(page):
    """The particles in the student's main picture."""
    sources = """() => Bokeh.documents.flatMap((d) => [...d._all_models.values()])
        .filter((m) => m.type === "ColumnDataSource").map((s) => Object.values(s.data).map((c) => c.length))"""
    return page.evaluate(sources)


def test_a_student_sees_the_run_and_the_teachers_new_settings(teacher, student):
    teacher.get_by_text("1 follow").wait_for()
    counter = student.get_by_text(re.compile(r"^step \d+"))
    before = counter.inner_text()
    expect(counter).not_to_have_text(before)
    assert teacher.locator("#classroom img").evaluate("(code) => code.naturalWidth") > 50
    assert [60] * 2 in [lengths[:2] for lengths in shown(student)]
    assert student.evaluate("performance.getEntriesByName('labkit-picture').length") == 1  # the still one, first
    assert student.locator(".still").count() == 0 and student.locator("#pictures > div").count() > 3
    assert student.evaluate("document.documentElement.scrollWidth") <= 390
    teacher.get_by_role("button", name="Pause").click()
    teacher.get_by_role("button", name="Play", exact=True).wait_for()
    teacher.wait_for_timeout(500)
    assert steps(student) == int(
        re.search(r"step (\d+)", teacher.get_by_text(re.compile(r"^step \d+ · ")).inner_text())[1]
    )
    teacher.set_viewport_size({"width": 320, "height": 800})  # here the address needs two lines
    path = teacher.locator("#classroom .address span")
    assert path.evaluate("(path) => path.getClientRects().length") == 1


def test_a_vote_is_secret_until_it_is_revealed(teacher, student, violations):
    teacher.get_by_label("Question", exact=True).fill("Where will the particles stop?")
    teacher.get_by_label(re.compile("^Choices")).fill("left; right; both")
    teacher.get_by_role("button", name="Ask", exact=True).click()
    student.get_by_role("heading", name="Where will the particles stop?").wait_for()
    student.get_by_role("button", name="both").click()
    student.get_by_text("Your answer: both").wait_for()
    teacher.get_by_text("1 vote").wait_for()
    assert student.locator(".bars").count() == 0
    assert violations(student) == []
    teacher.get_by_role("button", name="Reveal").click()
    expect(student.locator(".bars")).to_contain_text("both1")
    teacher.get_by_text("left: 0, right: 0, both: 1").wait_for()
    assert violations(student) == []
    assert violations(teacher, teacher.locator("#classroom")) == []


LESSON, PLACE = "svgd-100-particles", "svgd-one-particle"
X_RANGE = """() => {
    const found = Bokeh.documents.flatMap((each) => [...each._all_models.values()])
        .find(({ type, title }) => type === "Figure" && !title?.text)
    return [found.x_range.start, found.x_range.end]
}"""


PLANES = """() => Bokeh.documents.flatMap((each) => [...each._all_models.values()])
    .filter(({ type }) => type === "Figure").map((figure) => Bokeh.index.find_one(figure))
    .filter((view) => view?.el.clientWidth && view.el.closest(".plane"))
    .map(({ frame: { bbox: { width, height } } }) => [width, height])"""


def test_a_class_predicts_a_number_and_a_place_and_the_run_shows_what_is_right(school, teacher, student, violations):
    step = lessons.load(LESSON).steps[2]
    teacher.goto(f"{school}/svgd?lesson={LESSON}&step=3")
    student.get_by_text(step.text).wait_for(timeout=20_000)
    teacher.get_by_role("button", name="Ask the class").click()
    student.get_by_role("heading", name=step.question.text).wait_for(timeout=20_000)
    student.get_by_role("spinbutton").fill("0.33")
    student.get_by_role("button", name="Send").click()
    teacher.get_by_text("1 vote").wait_for(state="attached")
    teacher.get_by_role("button", name=re.compile("^Just play")).click()
    found = re.compile(r"The run gives 0\.3\d*\. 1 of 1 was within 0\.05\.$")
    student.get_by_text(found).wait_for(timeout=60_000)
    expect(student.locator(".bars")).to_contain_text("0.331")
    teacher.get_by_role("button", name="Class", exact=True).click()  # the panel is closed after a reload

    lesson = lessons.load(PLACE)
    step, (_, states) = lesson.steps[1], itertools.islice(lessons.walk(lesson), 2)
    question = step.question
    (right,) = places(question.find(states))
    teacher.get_by_label("A question of a lesson").select_option(label=question.text)
    teacher.get_by_role("button", name="Ask this question").click()
    student.get_by_text(step.text).wait_for(timeout=20_000)
    surface = student.locator("[data-labkit=places]")
    surface.wait_for(timeout=20_000)
    low, high = student.evaluate(X_RANGE)
    box = surface.bounding_box()
    surface.click(position={"x": (right - low) / (high - low) * box["width"], "y": box["height"] / 2})
    student.get_by_text(re.compile("^Your answer: ")).wait_for()
    teacher.get_by_text(re.compile("open · 1 vote$")).wait_for()
    assert violations(student, student.locator("#vote")) == []
    assert surface.locator("div").count() == 1  # the student's place
    teacher.get_by_role("button", name=re.compile("^Just play")).click()
    words = re.compile(rf"The run gives .*1 of 1 was within {question.tolerance:g}\.$")
    student.get_by_text(words).wait_for(timeout=60_000)
    expect(surface.locator("div")).to_have_count(3)  # with those of the class and of the run


def test_planes_are_square_next_to_the_panel_of_the_class_and_on_a_phone(school, teacher, student):
    """A legend of three rows is above the main plane of the teacher, and of two above that of the student."""
    teacher.goto(f"{school}/dreg?lesson=dreg-second-reparameterisation&step=3")
    teacher.get_by_role("button", name="Class", exact=True).click()
    for page in (teacher, student):
        page.wait_for_function(f"() => ({PLANES})().length === 2", timeout=60_000)
        page.wait_for_function(f"() => ({PLANES})().every(([width, height]) => Math.abs(width - height) < 2)")


def test_a_student_drives_and_the_teacher_takes_back(teacher, student):
    student.get_by_label("Your name").fill("Mia")
    student.get_by_role("button", name="Raise your hand").click()
    teacher.get_by_text("Mia raises a hand").wait_for()
    teacher.get_by_role("button", name="Let this student drive").click()
    student.get_by_role("button", name="Pause").click()
    teacher.get_by_role("button", name="Play", exact=True).wait_for()
    student.get_by_role("button", name="Play", exact=True).click()
    teacher.get_by_role("button", name="Pause").wait_for()
    teacher.get_by_role("button", name="Take back").click()
    student.get_by_role("button", name="Pause").wait_for(state="hidden")


def test_a_student_continues_alone_from_the_frame_that_was_seen(teacher, student):
    teacher.get_by_role("button", name="Pause").click()
    teacher.get_by_role("button", name="Play", exact=True).wait_for()
    student.wait_for_timeout(500)
    seen = steps(student)
    assert seen > 0
    student.get_by_role("button", name="Try it myself from here").click()
    student.get_by_text(re.compile(rf"^step {seen} · paused")).wait_for(timeout=20_000)
    words = student.evaluate("location.search").removeprefix("?").split("&")
    assert words[0] == "n=60" and "controls=target,n" in words and "present=1" not in words
    student.get_by_label("Particles, n", exact=True).wait_for()
    student.get_by_label("Kernel k", exact=True).wait_for(state="hidden")


def test_a_wrong_key_and_a_wrong_name_say_what_to_do(school, page):
    page.goto(f"{school}/svgd")
    page.get_by_role("button", name="Class", exact=True).click()
    page.get_by_label("Teacher's key").fill("wrong")
    page.get_by_role("button", name="Open a class").click()
    page.get_by_text("This is not the teacher's key").wait_for()
    page.goto(f"{school}/")
    page.get_by_label(re.compile("Type the two words")).fill("no-room")
    page.get_by_role("button", name="Follow").click()
    page.get_by_text("This class has ended, or it never began").wait_for()
