"""Mutants of a Python function: its source with one small change. Knows no grader and runs nothing.

The operators are those of cosmic-ray and mutmut (operators, comparisons, numbers, `not`, `break`, returns, deleted
statements) and exchanges that fit array code: of two indices, two arguments, two outputs, a sum and a mean, a keyword
and its default. Left alone is what no student is asked for: the checks of arguments that only raise.
"""

import ast
import copy
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

_BINARY: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv, ast.Mult),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_EXCHANGED = (("maximum", "minimum"), ("max", "min"), ("sum", "mean"), ("zeros", "ones"), ("argmax", "argmin"))
_OTHER_NAME = {a: b for pair in _EXCHANGED for a, b in (pair, pair[::-1])}
_CHECKS = re.compile(r"_?(check|require|validate|refuse)(_|$)")
# Where an array is put and of what type (no student's array leaves the CPU), and bounds that only refuse arguments.
_PLACES = ("device", "dtype", "minimum", "maximum", "strict")


@dataclass(frozen=True)
class Mutant:
    """One changed function: what replaces the code and defaults of the original.

    ``text`` is the changed statement's first line, ``line`` where the original stands in its file.
    """

    function: str
    text: str
    operator: str
    line: int
    code: CodeType
    defaults: tuple[Any, ...] | None
    keyword_defaults: dict[str, Any] | None

    @property
    def key(self) -> str:
        """What it is called wherever it is spoken of."""
        return f"{self.function}: {self.text}"


def mutants(function: FunctionType) -> Iterator[Mutant]:
    """Return all mutants of a function without a closure, in the order of its source."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    ast.increment_lineno(tree, first - 1)
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    before = ast.unparse(tree)
    for statement in _statements(definition):
        for holder, field, index, node in _nodes(statement):
            for operator, new in _changes(node, field):
                _put(holder, field, index, new)
                shown = _header(statement if holder is not None else new)
                if ast.unparse(tree) != before:
                    yield _compiled(function, tree, shown, operator, getattr(node, "lineno", statement.lineno))
                _put(holder, field, index, node)
        for operator, new in _statement_changes(statement, definition):
            holder, field, index = _place(definition, statement)
            _put(holder, field, index, new)
            text = f"{_header(statement)} # {operator}" if isinstance(new, ast.Pass) else _header(new)
            yield _compiled(function, tree, text, operator, statement.lineno)
            _put(holder, field, index, statement)


def _compiled(function: FunctionType, tree: ast.Module, text: str, operator: str, line: int) -> Mutant:
    names = dict(function.__globals__)
    exec(compile(ast.fix_missing_locations(tree), function.__code__.co_filename, "exec"), names)
    new = names[function.__name__]
    name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
    return Mutant(name, text, operator, line, new.__code__, new.__defaults__, new.__kwdefaults__)


def _header(statement: Any) -> str:
    return str(ast.unparse(statement)).split("\n")[0]


def _put(holder: Any, field: str, index: int | None, node: Any) -> None:
    if index is None:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[index] = node


def _statements(definition: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The definition itself (its defaults), then what it does; not what only refuses arguments."""
    yield definition
    stack = list(definition.body)
    while stack:
        statement = stack.pop(0)
        documents = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if documents or _only_raises(statement):
            continue
        yield statement
        inner = [getattr(statement, part, []) for part in ("body", "orelse", "finalbody")]
        stack = [s for part in inner for s in part] + stack


def _only_raises(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return not statement.orelse and all(_only_raises(s) for s in statement.body)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        return is_check(name)
    return isinstance(statement, ast.Raise | ast.Assert)


def is_check(name: str) -> bool:
    """Whether a function of this name only refuses arguments."""
    return bool(_CHECKS.match(name))


def _nodes(statement: ast.stmt) -> Iterator[tuple[Any, str, int | None, ast.AST]]:
    """Every expression of a statement, with its place; those of statements inside it are not its own."""
    stack: list[tuple[Any, str, int | None, Any]] = _children(statement)
    while stack:
        holder, field, index, node = stack.pop(0)
        if isinstance(node, ast.stmt) or field in ("annotation", "returns", "msg", "decorator_list"):
            continue
        if isinstance(node, ast.keyword) and node.arg in _PLACES:
            continue
        yield holder, field, index, node
        stack = _children(node) + stack


def _children(node: Any) -> list[tuple[Any, str, int | None, Any]]:
    found: list[tuple[Any, str, int | None, Any]] = []
    for field, value in ast.iter_fields(node):
        if isinstance(value, list):
            found += [(node, field, i, v) for i, v in enumerate(value) if isinstance(v, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append((node, field, None, value))
    return found


def _changes(node: Any, field: str) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.BinOp(left, op, right):
            for other in _BINARY.get(type(op), ()):
                yield "binary", ast.BinOp(left, other(), right)
        case ast.Compare(left, [op, *more], right):
            for compared in _COMPARED.get(type(op), ()):
                yield "comparison", ast.Compare(left, [compared(), *more], right)
        case ast.BoolOp(op, values):
            yield "boolean", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.USub() | ast.Not() | ast.Invert(), operand):
            yield "unary", operand
        case ast.Constant(bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(int(value)):
            yield "number", ast.Constant(value + 1)
            yield "number", _number(value - 1)
        case ast.Constant(float(value)):
            yield "number", _number(value * 2 if value else 1.0)
        case ast.IfExp(test, body, other):
            yield "branch", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, other)
        case ast.Tuple([a, b], context) if field == "slice" or isinstance(context, ast.Load):
            yield "exchange", ast.Tuple([b, a], context)
        case ast.Tuple([a, b, *more], context) if isinstance(context, ast.Load):
            yield "exchange", ast.Tuple([b, a, *more], context)
        case ast.Call(function, [a, b, *more], keywords) if not (isinstance(a, ast.Starred) or _commutes(function)):
            yield "exchange", ast.Call(function, [b, a, *more], keywords)
        case ast.Attribute(value, name, context) if name in _OTHER_NAME:
            yield "function", ast.Attribute(value, _OTHER_NAME[name], context)
        case ast.Name(name, context) if field == "func" and name in _OTHER_NAME and name not in ("zeros", "ones"):
            yield "function", ast.Name(_OTHER_NAME[name], context)
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            if keyword.arg not in (*_PLACES, None):
                kept = node.keywords[:i] + node.keywords[i + 1 :]
                yield "keyword", ast.Call(node.func, node.args, kept)


def _commutes(function: ast.expr) -> bool:
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    # A check compares its arguments with each other.
    return is_check(name) or name in (
        "maximum",
        "minimum",
        "max",
        "min",
        "add",
        "multiply",
        "namespace",
        "logaddexp",
        "gcd",
        "equal",
    )


def _number(value: Any) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _statement_changes(statement: ast.stmt, definition: ast.FunctionDef) -> Iterator[tuple[str, ast.stmt]]:
    match statement:
        case ast.AugAssign(target, op, value):
            for other in _BINARY.get(type(op), ()):
                yield "augmented", ast.AugAssign(target, other(), value)
            plain = copy.deepcopy(target)
            yield "augmented", ast.Assign([plain], value, lineno=statement.lineno)
            yield "deleted", ast.Pass()
        case ast.Assign([ast.Subscript() | ast.Attribute()]) | ast.Expr():
            yield "deleted", ast.Pass()
        case ast.If(test, body, orelse):
            yield "branch", ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.For(target, _, body, orelse):
            yield "no round", ast.For(target, ast.Tuple([], ast.Load()), body, orelse, lineno=statement.lineno)
        case ast.Break():
            yield "loop", ast.Continue()
        case ast.Continue():
            yield "loop", ast.Break()
        case ast.Return(value) if value is not None and statement is not definition:
            yield "return", ast.Return(ast.Constant(None))
            if isinstance(value, ast.BinOp | ast.Call | ast.Name | ast.Subscript):
                yield "sign", ast.Return(ast.UnaryOp(ast.USub(), value))


def _place(definition: ast.AST, wanted: ast.stmt) -> tuple[Any, str, int]:
    for node in ast.walk(definition):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                for index, item in enumerate(value):
                    if item is wanted:
                        return node, field, index
    raise LookupError("no such statement")
