"""GitHub Classroom: a workflow that runs the visible checks at every push.

Format: "Use autograding" (GitHub Docs, Education) and the workflow syntax of GitHub Actions. The file goes into the
template repository, beside what `grader release` writes. It has no reference and no hidden case, and may only read.
"""

WORKFLOW = ".github/workflows/classroom.yml"

_TEXT = """\
name: Visible checks
on: [push, workflow_dispatch]
permissions:
  contents: read
concurrency:
  group: checks-${{ github.ref }}
  cancel-in-progress: true
jobs:
  run-autograding-tests:
    if: github.actor != 'github-classroom[bot]'
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install --disable-pip-version-check -r requirements.txt
      - name: "Visible checks (hidden ones decide the marks)"
        run: python -m grader.visible {notebook}
"""


def workflow(notebook: str) -> str:
    """Return the workflow for a notebook at the root of the repository."""
    return _TEXT.replace("{notebook}", notebook)
