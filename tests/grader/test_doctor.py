"""`grader doctor` says truly whether a machine holds what it should, and how to mend what is missing."""

import json

import pytest
from typer.testing import CliRunner

from grader import doctor
from grader.cli import app
from grader.sandbox import Layers, Limits, probe
from grader.session import Template

needs_core = pytest.mark.skipif(not probe().core, reason="this machine cannot isolate student code")


@needs_core
def test_a_machine_with_the_core_passes_and_nothing_is_red():
    answer = CliRunner().invoke(app, ["doctor", "--json"])
    report = json.loads(answer.output)
    assert report["safe"]
    assert {f["state"] for f in report["findings"]} <= {"ok", "weaker"}
    seen = {f["check"]: f["seen"] for f in report["findings"]}
    assert all(seen[a.name] == "held" for a in doctor.ATTEMPTS)


@needs_core
def test_the_attempts_do_get_through_where_nothing_holds_them(tmp_path):
    (tmp_path / "secret").write_text("x")
    words = f"SECRET, MARK = {str(tmp_path / 'secret')!r}, {str(tmp_path / 'left')!r}\n"
    with Template(Layers(), Limits(memory=2 << 30)) as template:
        through = [a.name for a in doctor.ATTEMPTS if doctor._through(template, words + doctor._raising(a.source))]
    assert len(through) >= len(doctor.ATTEMPTS) - 3, through
    with pytest.raises(ValueError, match="harm"):
        next(doctor.try_attempts(Layers()))


def test_a_machine_without_the_core_fails_with_a_mend_for_each_red_line(monkeypatch):
    monkeypatch.setattr(doctor, "probe", lambda: Layers(absent=("Tried [red]everything[/red]: no.",)))
    answer = CliRunner().invoke(app, ["doctor"])
    assert "should not grade" in answer.output
    assert "[red]everything" in answer.output
    findings = list(doctor.examine_machine())
    red = [f for f in findings if f.state == doctor.MISSING]
    assert {f.check.split()[0] for f in red} == {"files", "system"}
    assert all(f.mend for f in red)
    assert not any(f.check == a.name for f in findings for a in doctor.ATTEMPTS)


def test_a_mend_is_shown_whole_on_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr(doctor, "probe", lambda: Layers())
    answer = CliRunner().invoke(app, ["doctor"])
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in "".join(answer.output.split())
