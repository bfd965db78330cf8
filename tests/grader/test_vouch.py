"""What a visible case shows is repeated only where a process without hidden inputs vouches for it."""

from dataclasses import replace

import numpy as np

from grader.judges import Finding
from grader.plans import Plan, Step
from grader.prepare import prepare
from grader.questions import Case, Question, design
from grader.vouch import calls, speaks, vouched
from tests.grader.examples import RELU, answers, relu_backward, relu_forward

QUESTION = prepare(RELU, 1)
RIGHT = {"relu_forward": relu_forward, "relu_backward": relu_backward}


def _raising(*texts):
    """A forward that raises a text each time, the last one for ever."""
    left = list(texts)

    def forward(x):
        raise ValueError(left.pop(0) if len(left) > 1 else left[0])

    return {**RIGHT, "relu_forward": forward}


def _visible(question):
    return [t.visible for t in question.trials]


def test_right_answers_show_nothing_and_wrong_ones_do():
    assert not speaks(QUESTION, answers(QUESTION, RIGHT))
    assert speaks(QUESTION, answers(QUESTION, _raising("x")))
    assert speaks(QUESTION, answers(QUESTION, {**RIGHT, "relu_forward": lambda x: (np.abs(x), x)}))


def test_a_judge_is_not_asked_about_a_call_that_gave_nothing():
    def judged(answer):
        return None if answer.outcomes[0].values[0] == 1 else Finding("other", "is something else")

    case = Case("it", script=Plan((), (Step("plan"),)), judge=judged)
    plan = Question("plan", {"plan": lambda: 1}, (case,), lambda rng: [], (design(2),))
    question = prepare(plan, 1)
    assert not speaks(question, answers(question, {"plan": _unwritten}))
    assert not speaks(question, answers(question, {}))
    assert speaks(question, answers(question, {"plan": lambda: 2}))


def _unwritten():
    raise NotImplementedError


def test_the_same_words_before_any_hidden_input_vouch():
    given = answers(QUESTION, _raising("x"))
    assert vouched(QUESTION, given) is QUESTION
    again = {i: given[i] for i in calls(QUESTION)}
    assert vouched(QUESTION, given, again) is QUESTION


def test_words_of_a_later_repetition_are_those_of_the_call_or_hidden():
    question = prepare(replace(RELU, hidden=lambda rng: []), 1)
    repeated = [i for i, t in enumerate(question.trials) if t.visible and t.kind == "purity"]
    assert repeated
    assert vouched(question, answers(question, _raising("x"))) is question
    before = [question.trials[i].plan for i in calls(question)]
    calm = sum(step.function == "relu_forward" for plan in before for step in plan.steps)
    shown = vouched(question, answers(question, _raising(*["x"] * calm, "what I have seen")))
    assert not any(shown.trials[i].visible for i in repeated)


def test_a_call_that_is_not_repeated_is_hidden_but_a_right_one_has_nothing_to_hide():
    given = answers(QUESTION, _raising("what I have seen"))
    assert not any(_visible(vouched(QUESTION, given, {})))
    right = answers(QUESTION, RIGHT)
    assert vouched(QUESTION, right, {}) is QUESTION
