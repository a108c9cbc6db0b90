"""The live sliders of the notebooks, in JupyterLab itself: a student's copy is run to its end, and a slider is moved."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from site_visit import ROOT, browser  # noqa: F401  a fixture

sys.path.insert(0, str(ROOT / "tools"))
import nb

pytestmark = pytest.mark.browser
MINUTES = 240_000  # milliseconds: a machine that is busy with other work
WHOLE_PAGE = '{"windowingMode": "none"}'  # else JupyterLab draws only the cells that are on the screen
IDLE = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN_ALL = """async () => {
    const notebook = jupyterapp.shell.currentWidget;
    await notebook.context.ready; await notebook.revealed; await notebook.sessionContext.ready;
    await jupyterapp.commands.execute('notebook:run-all-cells') }"""  # returns when the last cell has run
PICTURE = "() => [...document.querySelectorAll('.widget-interact img')].map(i => i.src).join()"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on students' copies; returns its address."""
    folder = tmp_path_factory.mktemp("lab")
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(WHOLE_PAGE)
    for name, notebook in nb.copies():
        nb.nbformat.write(notebook, folder / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
               "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--expose-app-in-browser"]  # fmt: skip
    environment = os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "OMP_NUM_THREADS": "1"}
    environment.pop("MPLBACKEND", None)  # the tests' own, which shows nothing
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(address + "api", timeout=2)
                break
            except OSError:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.parametrize("name", ["01_inverse_problems", "06_ladder_of_conditions", "08_coco_denoisers"])
def test_a_slider_moves_the_figure(browser, lab, name):  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(MINUTES)
    page.goto(f"{lab}lab/workspaces/{name}/tree/{name}.ipynb")  # else the last one opens, too
    page.wait_for_function(IDLE)
    page.evaluate(RUN_ALL)
    page.wait_for_function(f"({PICTURE})() !== ''")
    handle = page.locator(".widget-interact .noUi-handle").first
    handle.scroll_into_view_if_needed()
    before = page.evaluate(PICTURE)
    handle.evaluate("e => e.focus()")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => ({PICTURE})() !== before", arg=before)
    context.close()
