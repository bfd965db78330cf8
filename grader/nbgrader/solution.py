"""A reference as the text of a solution cell, with the imports that it needs. Knows no course and no cell."""

import ast
import inspect
import sys
import textwrap
import types
from typing import Any

from grader.errors import GraderError
from grader.questions import Function


def solution_source(name: str, reference: Function) -> str:
    """Return Python text that defines the reference under the name that the notebook gives it.

    Its docstring is left out: the stub above it has the one that students read. Names of a module that can be imported
    are imported; what an assignment's folder defines itself is written out.

    Raises
    ------
    GraderError
        If the text cannot be had, as that of a function made by another.
    """
    texts: dict[str, str] = {}
    imports: dict[str, set[str]] = {}
    _collect(name, reference, texts, imports)
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in imports.items() if names]
    lines = sorted([*(module for module, names in imports.items() if not names), *lines])
    own = getattr(reference, "__name__", name)
    alias = [] if own == name else [f"{name} = {own}"]
    return "\n\n\n".join([*(["\n".join(lines)] if lines else []), *texts.values(), *alias])


def _collect(name: str, thing: Any, texts: dict[str, str], imports: dict[str, set[str]]) -> None:
    """Add the text of one function or class, after those of its own folder that it uses."""
    module = _home(thing)
    try:
        text = textwrap.dedent(inspect.getsource(thing))
        node = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise GraderError(f"the reference {name} has no text of its own to show as the solution") from error
    if module is None or not isinstance(node, ast.FunctionDef | ast.ClassDef):
        raise GraderError(f"the reference {name} has no text of its own to show as the solution")
    texts.setdefault(node.name, "")  # a function that calls itself
    for used in sorted(n for n in _names(node) if n != node.name and n in vars(module)):
        value = vars(module)[used]
        if isinstance(value, types.ModuleType):
            _import_module(used, value, imports)
        elif not module.__name__.startswith("_assignment_"):
            imports.setdefault(module.__name__, set()).add(used)
        elif (home := getattr(value, "__module__", module.__name__)) == module.__name__ and callable(value):
            if used not in texts:
                _collect(used, value, texts, imports)
        elif home.startswith("_assignment_") or not _import_from(home, used, value, imports):
            texts.setdefault(used, _assignment_of(used, module))
    # Added last, so that what it uses stands above it.
    texts.pop(node.name)
    texts[node.name] = _without_docstring(text, node)


def _home(thing: Any) -> types.ModuleType | None:
    """Return the module of a function or class, also where another course's of that name is loaded instead."""
    module = inspect.getmodule(thing)
    names = getattr(thing, "__globals__", None)
    if names is None or (module is not None and vars(module) is names):
        return module
    own = types.ModuleType(thing.__module__)
    vars(own).update(names)
    return own


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _import_module(used: str, module: types.ModuleType, imports: dict[str, set[str]]) -> None:
    alias = "" if used == module.__name__ else f" as {used}"
    imports.setdefault(f"import {module.__name__}{alias}", set())


def _import_from(home: str, used: str, value: Any, imports: dict[str, set[str]]) -> bool:
    """Import a name from where its value says that it lives, and say whether it is there."""
    if getattr(sys.modules.get(home), used, None) is not value:
        return False
    imports.setdefault(home, set()).add(used)
    return True


def _assignment_of(name: str, module: types.ModuleType) -> str:
    """Return the statement that gives a constant, or an imported name, its value in a module's text."""
    for node in ast.parse(inspect.getsource(module)).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            targets = [ast.Name(a.asname or a.name) for a in node.names]
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return ast.unparse(node)
    raise GraderError(f"the reference's module {module.__name__} does not say where {name} comes from")


def _without_docstring(text: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    lines = text.rstrip().split("\n")
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        del lines[node.body[0].lineno - 1 : node.body[0].end_lineno]
    return "\n".join(lines)
