# Everything is done by tools/course.py, which Windows users call directly: python tools/course.py course
PYTHON ?= python3
.PHONY: course course-check test test-site book pdf clean
course course-check test test-site book pdf: need-python
course:       ; @$(PYTHON) tools/course.py course
course-check: ; @$(PYTHON) tools/course.py check
test:         ; @$(PYTHON) tools/course.py test
test-site:    ; @$(PYTHON) tools/course.py test-site
book:         ; @$(PYTHON) tools/course.py book
pdf:          ; @$(PYTHON) tools/course.py pdf
clean:        ; rm -rf _build/html _build/.doctrees _build/jupyter_execute _build/student _build/course-check _build/notebooks.xml
.PHONY: need-python
need-python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "course: there is no $(PYTHON) here: install Python 3.11 or newer from python.org, or name it: make PYTHON=python3.12 ..." >&2; exit 2; }
