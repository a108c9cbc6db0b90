"""Install the course from the folder `wheels` beside this file, without a network."""

import subprocess
import sys
import venv
from pathlib import Path

here = Path(__file__).resolve().parent
python = here / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
if sys.version_info < (3, 11):
    sys.exit(f"this is Python {sys.version.split()[0]}; Python 3.11 or newer is needed.")
if not any((here / "wheels").glob("*.whl")):
    sys.exit(
        "there is no wheel in the folder wheels: this kit was made without them (tools/classroom.py kit --collect)."
    )
venv.create(here / ".venv", with_pip=True)
pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "--find-links", here / "wheels"]
code = subprocess.run([*map(str, pip), "-r", str(here / "requirements.txt"), "pnp_course"]).returncode
if code:
    sys.exit("pip could not install from the wheels: they must be for this system and this Python; see wheels.txt.")
print(f"Installed. To try it:  {python} -m pnp_course demo -o restored")
print(f"For the notebooks:     {python} -m jupyterlab notebooks")
