"""From text to an expression: read by a grammar, within limits; what is refused says where and what is allowed."""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from cloud_api.expressions.expression import Expression
from cloud_api.expressions.refusal import ExpressionInvalid
from cloud_api.expressions.tree import ALL_FUNCTIONS, Constant, Node, Operation, Reference, SeriesKey, references
from schemas.sample import path_problem

MAX_CHARACTERS = 2_000
MAX_NODES = 200
MAX_DEPTH = 24
MAX_NAMES = 50

_OPERAND = 'a number, a path in quotes as "line-1/press-03/current", a variable, a function, (, -, not, true or false'
_OPERATOR = "an operator (+ - * / % ** < <= > >= == != and or if), ) or the end"
_WORDS = {"RPAR": ")", "LPAR": "(", "COMMA": ",", "_ELSE": "else", "_IF": "if", "NAME": "a name"}
_HINTS = {
    "^": "a power is written **",
    "=": "equality is written ==",
    "&": "write and",
    "|": "write or",
    "!": "write not",
}
_PATH_ALLOWED = "at most 12 levels joined by '/', each of 1 to 100 printable characters without / * ? # +"


def parse(text: str, variables: Mapping[str, SeriesKey] | None = None, aggregates: Collection[str] = ()) -> Expression:
    """Read an expression; ExpressionInvalid says what is not allowed in it.

    `variables` are the declared names and the series that they stand for. With `aggregates` a call of one of these
    on a series itself is a Reference with that aggregate, as `maximum("a/b")`.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionInvalid(text, 0, f"has {len(text)} characters", f"at most {MAX_CHARACTERS} characters")
    text = normalize("NFC", text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _refused(text, error) from error
    _check_size(text, tree)
    root = _Reader(text, variables or {}, frozenset(aggregates)).read(tree)
    names = {each.name for each in references(root)}
    if not names:
        raise ExpressionInvalid(text, 0, "names no series", "at least one series, by quoted path or by variable")
    if len(names) > MAX_NAMES:
        raise ExpressionInvalid(text, 0, f"names {len(names)} series", f"at most {MAX_NAMES} series")
    return Expression(text, root)


@cache
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _check_size(text: str, tree: Tree[Token]) -> None:
    """Count nodes and depth without recursion, so that what follows may recurse."""
    count = 0
    waiting: list[tuple[Tree[Token], int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise ExpressionInvalid(text, _place(node), "is nested too deeply", f"at most {MAX_DEPTH} levels")
        if count > MAX_NODES + 1:
            raise ExpressionInvalid(text, _place(node), "has too many parts", f"at most {MAX_NODES} parts")
        waiting += [(child, depth + 1) for child in node.children if isinstance(child, Tree)]


class _Reader:
    """Makes nodes of what the grammar has found."""

    def __init__(self, text: str, variables: Mapping[str, SeriesKey], aggregates: frozenset[str]) -> None:
        self._text = text
        self._variables = {normalize("NFC", name): key for name, key in variables.items()}
        self._aggregates = aggregates

    def read(self, tree: Tree[Token]) -> Node:
        """One node and what hangs below it."""
        match tree.data:
            case "start":
                return self.read(_trees(tree)[0])
            case "yes" | "no":
                return Constant(float(tree.data == "yes"), is_boolean=True)
            case "number" | "path" | "variable":
                return self._leaf(str(tree.data), _token(tree))
            case "call":
                return self._call(tree)
            case _:
                operands = tuple(self.read(each) for each in _trees(tree))
                signs = tuple(str(each) for each in tree.children if isinstance(each, Token))
                return Operation(str(tree.data), operands, _place(tree), signs)

    def _leaf(self, kind: str, token: Token) -> Node:
        if kind == "number":
            return self._number(token)
        return self._path(token) if kind == "path" else self._variable(token)

    def _number(self, token: Token) -> Constant:
        value = float(token)
        if value == float("inf"):
            raise self._refusal(token, "is too large for a number", "a number below 1.8e308")
        return Constant(value)

    def _path(self, token: Token) -> Reference:
        path = token[1:-1]
        problem = path_problem(path)
        if problem:
            raise self._refusal(token, f"is no path: {problem}", _PATH_ALLOWED)
        return Reference(path)

    def _variable(self, token: Token) -> Reference:
        if str(token) not in self._variables:
            names = ", ".join(sorted(self._variables)) or "none are declared"
            raise self._refusal(token, "is not a declared variable", f"a path in quotes, or a variable: {names}")
        return Reference(self._variables[str(token)])

    def _call(self, tree: Tree[Token]) -> Node:
        name, *_ = [each for each in tree.children if isinstance(each, Token)]
        operands = tuple(self.read(each) for each in _trees(tree))
        if name in self._aggregates:
            match operands:
                case (Reference(name=series, aggregate=None),):
                    return Reference(series, str(name))
                case _ if name not in ALL_FUNCTIONS:
                    raise self._refusal(name, "is an aggregate of something else", "an aggregate of one series itself")
                case _:
                    pass
        if name not in ALL_FUNCTIONS:
            allowed = ", ".join([*ALL_FUNCTIONS, *sorted(self._aggregates - ALL_FUNCTIONS.keys())])
            raise self._refusal(name, "is not a function", allowed)
        fewest, most = ALL_FUNCTIONS[name]
        if not fewest <= len(operands) <= most:
            allowed = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise self._refusal(name, f"has {len(operands)} operands", f"{allowed} operands")
        if name == "round" and not (len(operands) == 1 or _is_digits(operands[1])):
            raise self._refusal(name, "needs its digits as a number", "a whole number from 0 to 15")
        return Operation(str(name), operands, _place(tree))

    def _refusal(self, token: Token, detail: str, allowed: str) -> ExpressionInvalid:
        return ExpressionInvalid(self._text, token.start_pos or 0, detail, allowed, near=str(token))


def _is_digits(node: Node) -> bool:
    return isinstance(node, Constant) and node.value in range(16)


def _refused(text: str, error: UnexpectedInput) -> ExpressionInvalid:
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = set(error.expected)
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed or ())
    position = error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return ExpressionInvalid(text, len(text), "comes too early", _allowed(expected), near="the end")
    found = text[position : position + 1]
    if found in {"'", '"'}:
        return ExpressionInvalid(text, position, "is not closed, or holds no path", _allowed(expected))
    allowed = _HINTS.get(found) or _allowed(expected)
    near = str(error.token) if isinstance(error, UnexpectedToken) else None
    return ExpressionInvalid(text, position, "is not understood here", allowed, near=near)


def _allowed(expected: set[str]) -> str:
    if "NUMBER" in expected:
        return _OPERAND
    if "STAR" in expected:
        return _OPERATOR
    return " or ".join(sorted(_WORDS.get(name, name.lower()) for name in expected))


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [each for each in tree.children if isinstance(each, Tree)]


def _token(tree: Tree[Token]) -> Token:
    token: Any = tree.children[0]
    return token


def _place(tree: Tree[Token]) -> int:
    return getattr(tree.meta, "start_pos", 0)
