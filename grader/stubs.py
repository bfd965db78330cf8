"""The text of a stub: a reference's signature and docstring, and nothing of its body. Knows no notebook."""

import inspect
import re
from typing import Any

from grader.errors import GraderError
from grader.questions import Function

_WIDTH = 120


def stub_source(name: str, reference: Function, assignment: str, *, doc: str = "") -> str:
    """Return the source of a stub.

    Parameters
    ----------
    name : str
    reference : function or class
        Its signature is kept with defaults and keyword-only marker; annotations are dropped, since a student's notebook
        need not know their names. Of a class, the public methods become stubs too.
    assignment : str
        Named by the error that an unwritten stub raises.
    doc : str
        Replaces the reference's docstring.

    Raises
    ------
    GraderError
        If the reference has no signature, or a default that cannot be written down.
    """
    doc = doc or inspect.getdoc(reference) or ""
    message = f'raise NotImplementedError("{name}: replace this line with your code (assignment {assignment})")'
    if not inspect.isclass(reference):
        return "\n".join([_header(name, name, reference), *_docstring(doc, "    "), f"    {message}"])
    lines = [f"class {name}:", *_docstring(doc, "    ")]
    for method, function in vars(reference).items():
        if method.startswith("_") and method not in ("__init__", "__call__"):
            continue
        decorator = ["    @property"] if isinstance(function, property) else []
        function = function.fget if isinstance(function, property) else function
        if inspect.isfunction(function):
            own = _docstring(inspect.cleandoc(function.__doc__ or ""), "        ") if method != "__init__" else []
            header = [f"    {line}" for line in _header(method, name, function).split("\n")]
            lines += ["", *decorator, *header, *own, f"        {message}"]
    return "\n".join(lines)


def _header(name: str, owner: str, function: Any) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise GraderError(f"the reference {owner} has no signature to copy into its stub") from error
    parts: list[str] = []
    previous: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for parameter in signature.parameters.values():
        kind = parameter.kind
        if previous is parameter.POSITIONAL_ONLY and kind is not parameter.POSITIONAL_ONLY:
            parts.append("/")
        if kind is parameter.KEYWORD_ONLY and previous not in (parameter.VAR_POSITIONAL, parameter.KEYWORD_ONLY):
            parts.append("*")
        stars = "*" if kind is parameter.VAR_POSITIONAL else "**" if kind is parameter.VAR_KEYWORD else ""
        default = (
            "" if parameter.default is parameter.empty else "=" + _literal(parameter.default, owner, parameter.name)
        )
        parts.append(f"{stars}{parameter.name}{default}")
        previous = kind
    if previous is inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    line = f"def {name}({', '.join(parts)}):"
    if len(line) <= _WIDTH:
        return line
    inner = f"    {', '.join(parts)}"
    if len(inner) <= _WIDTH:
        return f"def {name}(\n{inner}\n):"
    return f"def {name}(\n" + "".join(f"    {part},\n" for part in parts) + "):"


def _literal(value: Any, owner: str, parameter: str) -> str:
    """Write a default as a person would: 1e-5, not 1e-05; double quotes."""
    text = repr(value)
    if not isinstance(value, None | bool | int | float | str | tuple):
        raise GraderError(f"the reference {owner} has a default that no stub can show: {parameter}={text}")
    if isinstance(value, str) and '"' not in text:
        return f'"{text[1:-1]}"'
    return re.sub(r"(\d)e([+-])0(\d)", r"\1e\2\3", text) if isinstance(value, float) else text


def _docstring(doc: str, indent: str) -> list[str]:
    if not doc:
        return []
    quotes = "'''" if '"""' in doc else '"""'
    opening = ("r" if "\\" in doc else "") + quotes
    lines = [f"{indent}{line}".rstrip() for line in inspect.cleandoc(doc).split("\n")]
    lines[0] = f"{indent}{opening}{lines[0].strip()}"
    if len(lines) == 1 and not lines[0].endswith((quotes[0], "\\")):
        return [lines[0] + quotes]
    return [*lines, indent + quotes]
