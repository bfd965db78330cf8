"""Grade submissions of one assignment, one after another. Knows no class, no gradebook and no page."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import MachineError
from grader.examine import Times, examine
from grader.files import read_text
from grader.folders import assignment_version, load_assignment, topic
from grader.personal import for_student, read_secret
from grader.prepare import PreparedQuestion, prepare
from grader.read import read_submission
from grader.results import Result
from grader.sandbox import Layers, Limits, probe, require
from grader.session import Template, TemplateLostError
from grader.spawn import SpawnTemplate

_TEMPLATE_TRIES = 3


@dataclass(frozen=True)
class Options:
    """What a grading run is told besides the assignment; recorded results depend on nothing else.

    ``sandbox`` is "auto" (every layer that this machine has, refusing without the Linux core) or "none". ``slowness``
    stretches every time limit where the machine is slower than the usual one (`grader.calibrate`); it is no part of
    what was asked for.
    """

    seed: int
    sandbox: str = "auto"
    limits: Limits = field(default_factory=Limits)
    times: Times = field(default_factory=Times)
    slowness: float = 1.0

    @property
    def key(self) -> str:
        """What was asked for besides the seed, in a few characters: results under other options are not current."""
        asked = json.dumps([self.sandbox, asdict(self.limits), asdict(self.times)])
        return hashlib.sha256(asked.encode()).hexdigest()[:12]


def fresh_seed() -> int:
    """Draw a seed that nobody can predict."""
    return secrets.randbits(48)


class Grading:
    """One assignment made ready, with a template process of its own. A context manager.

    Parameters
    ----------
    folder : path
        The assignment's.
    options : Options

    Raises
    ------
    GraderError
        If the assignment is faulty, or the machine cannot isolate student code as asked.
    """

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._layers = layers_for(options.sandbox)
        self._template: Template | SpawnTemplate | None = None
        self._ready_template()  # its imports take longer than what is to be done here meanwhile
        try:
            self._assignment, self._secret = load_assignment(folder), read_secret(folder)
            self._name = self._assignment.name
            self._master = master_notebook(folder)
            self._questions = [prepare(q, options.seed) for q in self._assignment.questions]
            self._versions = {"assignment": assignment_version(folder)[:16], "options": options.key}
        except BaseException:
            self.close()
            raise
        self._times = options.times.scaled(options.slowness)

    def grade(
        self, path: Path, *, student: str | None = None, progress: Callable[[str], None] = lambda question: None
    ) -> Result:
        """Grade one file.

        Raises
        ------
        GraderError
            If the file cannot be read as a submission.
        MachineError
            If no template process stays alive.
        """
        submission = read_submission(path, self._master, student=student)
        questions = self._questions_of(submission.student)
        for _ in range(_TEMPLATE_TRIES):
            try:
                return examine(
                    submission,
                    self._name,
                    questions,
                    self._ready_template(),
                    seed=self._options.seed,
                    times=self._times,
                    versions=self._versions,
                    progress=progress,
                )
            except TemplateLostError:
                self.close()
        raise MachineError(
            f"{path}: the template process was lost {_TEMPLATE_TRIES} times: is the machine out of memory?"
        )

    def _questions_of(self, student: str) -> list[PreparedQuestion]:
        """The prepared questions, those on a student's own numbers made anew."""
        own = for_student(self._assignment, self._secret, student).questions
        return [
            ready if q.personal is None or not self._secret else prepare(q, self._options.seed)
            for q, ready in zip(own, self._questions, strict=True)
        ]

    def _ready_template(self) -> Template | SpawnTemplate:
        if not hasattr(os, "fork"):
            return SpawnTemplate(self._options.limits.output)
        if self._template is None or not self._template.alive:
            secret = [str(self._folder.parent), str(self._folder.parent.parent / "solutions")]
            self._template = Template(self._layers, self._options.limits, secret)
        return self._template

    def close(self) -> None:
        """End the template process."""
        if self._template is not None:
            self._template.close()
            self._template = None

    def __enter__(self) -> "Grading":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def master_notebook(folder: Path) -> Mapping[str, Any]:
    """Return the student notebook as it was handed out: the one that lies in the folder, else a new one."""
    path = folder / f"{topic(folder)}.ipynb"
    if path.is_file():
        notebook: dict[str, Any] = json.loads(read_text(path))
        return notebook
    from grader.build import build  # takes a second to import

    return build(folder)  # type: ignore[no-any-return]


def layers_for(sandbox: str) -> Layers:
    """Return the isolation to use, refusing where the machine lacks what was asked for."""
    layers = Layers() if sandbox == "none" else probe()
    require(layers, sandbox)
    return layers
