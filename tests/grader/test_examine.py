"""A submission on its way through template, session, questions and judge."""

import sys
import tempfile
from dataclasses import replace

import pytest

from grader import session
from grader.errors import MachineError
from grader.examine import Times, examine
from grader.sandbox import Layers, Limits
from grader.session import Session, Template
from grader.spawn import SpawnTemplate
from tests.grader.isolated import (
    FULL,
    QUESTIONS,
    RIGHT,
    RIGHT_DOUBLE,
    RIGHT_SCALE,
    SEED,
    WRONG_DOUBLE,
    run,
    start_template,
    submission,
)


@pytest.fixture(scope="module")
def template():
    with start_template() as started:
        yield started


def test_a_right_submission_earns_every_point_and_no_note(template):
    result = run(template, *RIGHT)
    assert result.points == result.max_points == FULL
    assert result.notes == ()
    assert [q.status for q in result.questions] == ["passed", "passed"]


def test_the_result_records_seed_versions_and_sandbox(template):
    result = run(template, *RIGHT)
    assert result.seed == SEED
    assert set(result.versions) >= {"python", "numpy"}
    assert "seccomp allow-list" in result.sandbox


def untimed(result):
    """The result without what differs from run to run."""
    return replace(result, seconds=0.0, questions=tuple(replace(q, seconds=0.0) for q in result.questions))


def test_the_same_submission_gives_the_same_result(template):
    first, second = (untimed(run(template, *RIGHT, "import random; print(random.random())")) for _ in range(2))
    assert first == second


def test_a_cell_that_raises_is_named_and_the_later_cells_still_run(template):
    result = run(template, "import numpy as np\nnp.zeros(2) + np.zeros(3)", *RIGHT)
    assert result.points == FULL
    assert any(n.startswith("cell 1: ValueError") and "line 2" in n for n in result.notes)


def test_a_question_that_hangs_costs_that_question_alone(template):
    result = run(template, RIGHT_DOUBLE, RIGHT_SCALE + "\ndef scale_backward(dout, cache):\n    while True: pass")
    double, scale = result.questions
    assert double.status == "passed"
    assert scale.status == "timeout"
    assert "time was up" in scale.first_reason


SLEEPS = "import time\ndef double(x):\n    time.sleep(0.2)\n    return 2 * x\n"


@pytest.mark.parametrize(
    ("cells", "processes"),
    [(RIGHT, 1), ((WRONG_DOUBLE, RIGHT_SCALE), 1), ((RIGHT_DOUBLE, "def scale_forward(x, factor): return x, x"), 2)],
)
def test_only_what_another_question_could_have_spoiled_is_asked_of_a_new_process(
    template, monkeypatch, cells, processes
):
    forks, fork = [], Session._fork
    monkeypatch.setattr(Session, "_fork", lambda session: forks.append(session) or fork(session))
    result = run(template, *cells)
    assert [q.status == "passed" for q in result.questions] == [RIGHT_DOUBLE in cells, RIGHT_SCALE in cells]
    assert sum(session is forks[0] for session in forks) == processes


def test_a_slow_answer_has_all_its_time_whatever_was_asked_before(template, monkeypatch):
    monkeypatch.setattr("grader.examine._SHARED_SECONDS", 0.02)
    slow = RIGHT_SCALE.replace("    return x *", "    import time; time.sleep(0.02)\n    return x *")
    assert run(template, RIGHT_DOUBLE, slow).points == FULL


@pytest.mark.parametrize(
    ("times", "statuses"),
    [
        (Times(question=20.0), ["passed", "passed"]),
        (Times(call=0.15), ["timeout", "passed"]),
        (Times(question=0.6), ["timeout", "passed"]),
        (Times(submission=0.8), ["timeout", "timeout"]),
    ],
    ids=["generous", "call", "question", "submission"],
)
def test_every_limit_of_time_costs_what_it_limits(template, times, statuses):
    result = examine(submission(SLEEPS, RIGHT_SCALE), "tiny", QUESTIONS, template, seed=SEED, times=times)
    assert [q.status for q in result.questions] == statuses


def test_a_question_may_limit_each_call_by_itself(template):
    questions = [replace(QUESTIONS[0], call_seconds=0.15), QUESTIONS[1]]
    result = examine(submission(SLEEPS, RIGHT_SCALE), "tiny", questions, template, seed=SEED)
    assert [q.status for q in result.questions] == ["timeout", "passed"]


def test_a_crash_in_one_question_costs_that_question_alone(template):
    result = run(template, "def double(x):\n    import os\n    os.abort()", RIGHT_SCALE)
    assert [q.status for q in result.questions] == ["error", "passed"]
    assert "ended the Python process" in result.questions[0].first_reason


def test_a_global_changed_by_one_question_is_as_before_for_the_next(template):
    result = run(
        template,
        "state = {'calls': 0}",
        "def double(x):\n    state['calls'] += 1\n    return 2 * x",
        RIGHT_SCALE.replace("return x * factor,", "assert state['calls'] == 0\n    return x * factor,"),
    )
    assert result.points == FULL


@pytest.mark.parametrize(
    "cell",
    ["while True: pass", "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"],
    ids=["a loop", "a loop that swallows the interrupt"],
)
def test_a_cell_that_never_ends_is_named_and_the_rest_is_graded(template, cell):
    result = run(template, RIGHT_DOUBLE, cell, RIGHT_SCALE, cell_seconds=0.7)
    assert result.points == FULL
    assert any(n.startswith("cell 2: ") for n in result.notes)


def test_definitions_in_a_cell_that_ends_the_process_still_count(template):
    result = run(template, RIGHT_DOUBLE + "\nimport os\nos._exit(0)", RIGHT_SCALE)
    assert result.points == FULL
    assert any("cell 1" in n and "definitions were used" in n for n in result.notes)


def test_magics_and_shell_commands_are_skipped_with_a_note(template):
    result = run(
        template,
        "%matplotlib inline\n!pip install torch\n%pip install torch\n" + RIGHT_DOUBLE.strip(),
        "%%bash\nrm -rf /",
        "%%time\n" + RIGHT_SCALE.strip(),
    )
    assert result.points == FULL
    assert any("`!pip install torch`" in n and "skipped" in n for n in result.notes)


def test_input_gets_end_of_file_and_plots_open_no_window(template):
    result = run(
        template, "name = input('name? ')", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", *RIGHT
    )
    assert result.points == FULL
    assert any("EOFError" in n for n in result.notes)


def test_the_students_own_checks_say_nothing_and_cost_nothing(template):
    result = run(template, "from grader import Checker\ncheck = Checker('tiny')", *RIGHT, "check(double).passed")
    assert result.points == FULL
    assert result.notes == ()


def test_shadowed_built_ins_and_patched_modules_do_not_disturb_the_worker(template):
    result = run(
        template, "list = str = len = isinstance = None", "import json, struct\njson.dumps = struct.pack = None", *RIGHT
    )
    assert result.questions[0].points == QUESTIONS[0].max_points


def test_warnings_cost_nothing(template):
    result = run(template, "import warnings\nwarnings.warn('old')\nimport sys\nprint('x', file=sys.stderr)", *RIGHT)
    assert result.points == FULL


def test_text_of_the_student_reaches_notes_without_control_characters(template):
    result = run(template, "raise ValueError('\\x1b[2J\\nline\\u202e')", *RIGHT)
    assert all(c.isprintable() for note in result.notes for c in note)


def test_threads_started_by_a_cell_do_not_hang_the_questions(template):
    result = run(
        template, "import threading, time\nthreading.Thread(target=lambda: time.sleep(1), daemon=True).start()", *RIGHT
    )
    assert result.points == FULL


def test_nothing_is_lost_when_the_process_dies_between_questions(template):
    killer = """
    import threading, time, os
    def later():
        time.sleep(0.3)
        os._exit(0)
    threading.Thread(target=later, daemon=True).start()
    """
    slow = "import time\ndef double(x):\n    time.sleep(0.01)\n    return 2 * x"
    result = run(template, slow, RIGHT_SCALE, killer)
    assert [q.status for q in result.questions] == ["passed", "passed"]


def test_without_isolation_the_result_is_the_same_but_says_so(template):
    with Template(Layers(), Limits()) as open_template:
        result = run(open_template, *RIGHT)
    assert result.points == FULL
    assert not any("seccomp" in s for s in result.sandbox)


def test_a_template_that_cannot_start_is_the_machine_s_failure_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(session, "python", lambda: [sys.executable, "-c", "import sys; sys.exit('no memory')"])
    template = Template(Layers(), Limits())
    with pytest.raises(MachineError, match="did not start: no memory"):
        run(template, *RIGHT)
    assert not template.alive
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "source", [RIGHT_DOUBLE, "def double(x):\n    while True: pass", "def double(x):\n    import os; os._exit(1)"]
)
def test_a_process_for_each_submission_judges_as_the_forks_do(template, source):
    spawned = examine(submission(source, RIGHT_SCALE), "tiny", QUESTIONS, SpawnTemplate(), seed=SEED)
    forked = run(template, source, RIGHT_SCALE)
    assert [(q.points, q.status) for q in spawned.questions] == [(q.points, q.status) for q in forked.questions]


@pytest.mark.parametrize("spawned", [False, True])
def test_answers_that_would_fill_the_examiner_s_memory_cost_their_own_question_alone(template, monkeypatch, spawned):
    monkeypatch.setattr(template, "_output", 1 << 20)
    flood = submission("import numpy as np\ndef double(x): return [np.zeros(1 << 16)] * 3", RIGHT_SCALE)
    result = examine(flood, "tiny", QUESTIONS, SpawnTemplate(1 << 20) if spawned else template, seed=SEED)
    double, scale = result.questions
    assert (double.points, double.status) == (0, "memory")
    assert scale.status == "passed"
