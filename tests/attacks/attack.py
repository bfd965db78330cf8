"""What a hostile submission is, as data: what it tries, and what must hold when it does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """A cell that runs after a wrong `double` and a right `scale`, and once more after right ones.

    Whatever it does, it raises no mark, the next submission keeps all of its own, and the machine is as before.

    Attributes
    ----------
    name : str
        What it tries.
    row : str
        Of which kind of threat it is.
    source : str
        The cell. ``wrong`` is for it to bind: most keep the wrong function in it.
    confined : bool
        It spoils one function: the other question keeps its marks.
    harmless : bool
        It leaves right answers right: after them it costs nothing.
    right : bool
        It brings a right `double` of its own: after a wrong one it would rightly earn marks.
    says : str
        A pattern that one of the result's notes or messages must match, after right answers.
    """

    name: str
    row: str
    source: str
    confined: bool = False
    harmless: bool = False
    right: bool = False
    says: str = ""
