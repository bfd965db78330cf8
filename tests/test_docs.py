"""The documents keep their word: links lead somewhere, commands exist, the worked example works."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
import typer

from grader.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NOTEBOOKS = sorted((ROOT / "assignments").glob("*/notebook.md"))
EXAMPLE = ROOT / "docs" / "write-an-assignment.md"
_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)


def prose(page):
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchor(heading):
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page):
    return {anchor(h) for h in re.findall(r"^#+[ \t]+(.+)$", prose(page), re.MULTILINE)}


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(page):
    links = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page))
    for link in links:
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), f"{page.name}: {link}"
            continue
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}"
        if heading:
            assert heading in anchors(target), f"{page.name}: {link}"


def test_the_code_of_notebook_sources_is_clean(tmp_path):
    """Ruff over every cell, in order; of a stub its name is enough."""
    for page in NOTEBOOKS:
        cells = []
        for cell in jupytext.reads(page.read_text(encoding="utf-8"), fmt="md:myst").cells:
            stub = re.match(r"# stub: (\w+)", cell.source)
            if cell.cell_type == "code":
                cells.append(f"def {stub[1]}(*a, **k):\n    raise NotImplementedError" if stub else cell.source)
        (tmp_path / f"{page.parent.name}.py").write_text("\n\n\n".join(cells) + "\n", encoding="utf-8")
    # What misleads a reader: names unused, undefined or defined twice. Imports stand where they are needed.
    rules = ["--isolated", "--no-cache", "--select", "E,F,W", "--ignore", "E402,E501"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def commands(text):
    """Each `grader COMMAND --option ...` and `make TARGET` of a page, in code, as words."""
    code = [body for _, _, body in _FENCE.findall(text)] + re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    for line in "\n".join(code).splitlines():
        for part in line.partition(" #")[0].split("&&"):
            words = part.split()
            if len(words) > 1 and words[0] in ("grader", "make") and re.fullmatch(r"[a-z-]+", words[1]):
                yield words


def test_every_command_and_option_that_a_page_names_exists():
    grader = typer.main.get_command(app)
    known = grader.commands | {option: grader for parameter in grader.params for option in parameter.opts}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    seen = set()
    for page in PAGES:
        for tool, name, *rest in commands(page.read_text(encoding="utf-8")):
            seen.add(tool)
            if tool == "make":
                assert name in targets, f"{page.name}: make {name}"
                continue
            assert name in known, f"{page.name}: grader {name}"
            command = known[name]
            if rest and not rest[0].startswith("-") and hasattr(command, "commands"):  # a command of commands
                assert rest[0] in command.commands, f"{page.name}: grader {name} {rest[0]}"
                command = command.commands[rest[0]]
            options = {option for parameter in command.params for option in parameter.opts}
            for word in rest:
                assert not word.startswith("--") or word in options, f"{page.name}: grader {name} {word}"
    assert seen == {"make", "grader"}


@pytest.mark.slow
def test_the_worked_example_works_as_it_stands(tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "160",
    }
    said = ""
    for _, info, body in _FENCE.findall(EXAMPLE.read_text(encoding="utf-8")):
        language, _, option = info.strip().partition(" ")
        if option.startswith("file="):
            file = tmp_path / option.removeprefix("file=")
            assert file.parent.is_dir(), f"{option}: grader new made no such folder"
            file.write_text(body, encoding="utf-8")
        elif language == "sh":
            for line in body.splitlines():
                done = subprocess.run(
                    shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
                )
                assert done.returncode == 0, f"{line}: {done.stderr}{done.stdout}"
                said += done.stdout
    assert "rows-for-columns: What shares a mean?" in said
    assert re.search(r"center +│ 5 +│ 50 +│ 50", said)
    assert sorted(p.name for p in (tmp_path / "handout").iterdir()) == [
        "README.md",
        "centering.checks",
        "centering.ipynb",
        "requirements.txt",
    ]
