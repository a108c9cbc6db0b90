"""The two pages to play with, in a headless browser: runs, stops, bad files, the keyboard, and what their exercises say."""

import pytest
from site_visit import Visit, browser, site  # noqa: F401  fixtures

IDLE = "document.getElementById('playground').dataset.state === 'idle'"
MINUTES = 600_000  # milliseconds: a machine that is busy with other work

pytestmark = pytest.mark.browser


def control(name):
    return f'[data-pg="{name}"]'


@pytest.fixture
def play(browser, site):  # noqa: F811
    """The playground with its first photograph ready, at 64 x 64 so that runs are short."""
    visit = Visit(browser, site, "book/playground.html")
    visit.page.set_default_timeout(MINUTES)
    visit.page.wait_for_selector(control("counts") + ":not(:empty)")
    visit.page.select_option(control("size"), "64")
    yield visit
    visit.page.context.close()


def status(page):
    return page.inner_text(control("status"))


def test_a_run_is_live_and_the_page_stays_awake(play):
    page = play.page
    assert page.inner_text(control("right-name")) == "not restored yet"
    page.evaluate(
        """() => { window.longest = 0; let last = performance.now();
        setInterval(() => {
            const now = performance.now(); window.longest = Math.max(longest, now - last); last = now; }, 10); }"""
    )
    page.click(control("run"))
    page.wait_for_function("document.querySelectorAll('[data-pg=psnr] polyline.solid')[0]?.points.length > 3")
    assert "iteration" in page.inner_text(control("progress"))
    page.wait_for_function(IDLE)
    assert status(page).startswith("Done: 50 iterations")
    assert page.evaluate("document.querySelectorAll('[data-pg=change] polyline.solid')[0].points.length") == 49
    assert page.inner_text(control("right-name")) == "restored"
    assert page.evaluate("window.longest") < 2000  # far below the run's length, on a busy machine too
    play.alone_and_quiet()


def test_stop_ends_a_run_at_once(play):
    page = play.page
    page.select_option(control("iterations"), "1000")
    page.click(control("run"))
    page.wait_for_function("document.querySelector('[data-pg=progress]').textContent.includes('iteration 2')")
    page.click(control("stop"))
    assert status(page).startswith("Stopped after")
    seen = page.inner_text(control("progress"))
    page.wait_for_timeout(1500)
    assert page.inner_text(control("progress")) == seen


def test_it_works_by_keyboard(play):
    page = play.page
    page.focus(control("split"))
    page.keyboard.press("Home")
    assert "0 %" in page.get_attribute(control("split"), "aria-valuetext")
    page.focus(control("t"))
    page.keyboard.press("End")
    assert "No theorem" in page.inner_text(control("verdict"))
    page.focus(control("run"))
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('playground').dataset.state === 'running'")
    page.focus(control("stop"))
    page.keyboard.press("Enter")
    assert status(page).startswith("Stopped")


def test_every_control_has_a_name(play):
    nameless = play.page.evaluate(
        """[...document.querySelectorAll('#playground :is(input:not([type=hidden]), select, button)')].filter((e) =>
        !(e.labels?.length && e.labels[0].textContent.trim()) && !e.textContent.trim()).length"""
    )
    assert nameless == 0


GIVE = """({name, type, text, size}) => { const files = new DataTransfer(), field = document.querySelector('[data-pg=file]');
    files.items.add(new File([text, new Uint8Array(size)], name, {type}));
    field.files = files.files; field.dispatchEvent(new Event("change")); }"""


def test_bad_files_get_one_clear_line(play):
    page, dot = play.page, '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"></svg>'
    for name, kind, text, size, said in [
        ("notes.pdf", "application/pdf", "%PDF-1.4", 0, "notes.pdf is not a picture that this browser can read"),
        ("huge.png", "image/png", "", 41 * 2**20, "huge.png has 41 MB; wanted at most 40"),
        ("dot.svg", "image/svg+xml", dot, 0, "dot.svg is 20 x 20; wanted 64 or more pixels each way"),
    ]:
        page.evaluate(GIVE, {"name": name, "type": kind, "text": text, "size": size})
        page.wait_for_function(
            "(name) => document.querySelector('[data-pg=status]').textContent.startsWith(name)", arg=name
        )
        assert said in status(page)
        assert page.evaluate("document.querySelector('[data-pg=status]').classList.contains('trouble')")


def test_a_picture_of_one_s_own(play, photo, tmp_path):
    from pnp_course import images

    path = images.write_image(photo, tmp_path / "mine.png")
    play.page.set_input_files(control("file"), str(path))
    play.page.wait_for_function(
        "document.querySelector('[data-pg=status]').textContent.startsWith('mine.png is ready')"
    )


def test_another_photograph_after_a_run_is_not_called_restored(play):
    """What the right half shows is then the photon counts of the new one, not its original."""
    page = play.page
    page.click(control("run"))
    page.wait_for_function("document.querySelector('[data-pg=right-name]').textContent === 'restored'")
    page.evaluate("document.querySelector('[data-pg=stop]').click()")  # a run that is over already is left as it is
    page.wait_for_function(IDLE)
    page.select_option(control("photo"), "coffee")
    page.wait_for_function("document.querySelector('[data-pg=right-name]').textContent === 'not restored yet'")
    under, over = page.evaluate("['under', 'over'].map((n) => document.querySelector(`[data-pg=${n}]`).toDataURL())")
    assert under == over  # the left half shows the counts


def experiment(page, k):
    page.locator("button.experiment").nth(k).click()
    page.wait_for_function(IDLE)
    assert status(page).startswith("Done")
    return page.evaluate("PnP.last")


def test_what_the_exercises_say(play):
    page = play.page
    counts = float(page.inner_text(control("counts")).split("PSNR")[1].split()[0])
    settles, wanders, beyond, noisy = (experiment(page, k) for k in (0, 1, 4, 5))
    assert settles["change"][-1] < 0.3 * settles["change"][49]
    assert settles["psnr"][-1] > counts + 3
    assert wanders["psnr"][-1] < counts
    assert beyond["change"][-1] > 1.5 * min(filter(None, beyond["change"][1:]))
    assert noisy["psnr"][-1] < settles["psnr"][-1] - 3


def test_the_switch_shows_divergence(play):
    """The same settings but for the denoiser: one run settles below the number that the page states, the other does not."""
    page, runs = play.page, {}
    for name in ("diverges", "settles"):
        page.click(control(name))
        page.wait_for_function(IDLE)
        assert status(page).startswith("Done: 50 iterations")
        runs[name] = page.evaluate("PnP.last")
    counts = float(page.inner_text(control("counts")).split("PSNR")[1].split()[0])
    grows, falls = runs["diverges"], runs["settles"]
    assert falls["change"][-1] < 1e-4
    assert falls["psnr"][-1] > counts + 3
    assert min(grows["change"][1:]) > 1e-3
    assert grows["change"][-1] > 0.3 * grows["change"][24]
    assert grows["psnr"][-1] < counts
    assert page.locator("button.experiment").nth(2).get_attribute("data-experiment") == page.get_attribute(
        control("diverges"), "data-experiment"
    )


def test_the_field_answers_to_hand_and_keys(browser, site):  # noqa: F811
    visit = Visit(browser, site, "book/field.html", width=390)
    page = visit.page
    page.wait_for_selector(control("status") + ":not(:empty)")
    read = "document.getElementById('field').dataset"
    assert page.evaluate(f"{read}.conservative") == "settles"
    page.locator("button[data-field]").nth(0).click()
    page.wait_for_function(f"{read}.full !== 'settles'")
    assert page.evaluate(f"{read}.conservative") == "settles"
    page.locator("button[data-field]").nth(1).click()
    page.wait_for_function(f"{read}.full === 'settles'")
    handle = page.locator(control("start"))
    before = handle.get_attribute("aria-label")
    handle.focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function(
        "(old) => document.querySelector('[data-pg=start]').getAttribute('aria-label') !== old", arg=before
    )
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] - 40, steps=3)
    page.mouse.up()
    page.wait_for_function(
        "left => document.querySelector('[data-pg=start]').getBoundingClientRect().x > left + 20", arg=box["x"]
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.alone_and_quiet()
    page.context.close()
