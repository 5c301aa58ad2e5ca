"""Arithmetic on decimal numbers: + - * / and parentheses, computed exactly and rounded once, at the end.

It knows no units, currencies, powers or functions, and evaluates nothing as code.
"""

import ast
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction

from kinject.errors import KinjectError

MAX_CHARS = 80
SIGNIFICANT_DIGITS = 10

_SIGNS = str.maketrans("\u00d7\u00f7\u2212", "*/-")
_GROUPED = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_ALLOWED = re.compile(r"[0-9.+*/() -]*")
_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FORM = "write it with numbers, + - * / and ( )"


class CalculationError(KinjectError):
    """An expression that has no value; the message is the reason, on one line."""


def evaluate(expression: str) -> str:
    """The value with at most ten significant digits, without trailing zeros or an exponent: "1,200 / 7" is 171.4285714.

    Raises CalculationError for more than 80 characters, a division by zero, a unit, and whatever is no arithmetic.
    """
    if len(expression) > MAX_CHARS:
        raise CalculationError(f"it is longer than {MAX_CHARS} characters")
    source = _GROUPED.sub(lambda found: found[0].replace(",", ""), " ".join(expression.split()).translate(_SIGNS))
    if any(_is_unit(character) for character in source):
        raise CalculationError("leave out words, units and currencies")
    if not _ALLOWED.fullmatch(source):
        raise CalculationError(_FORM)
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        raise CalculationError(_FORM) from error
    value = _value(tree.body, source)
    rounded = Context(prec=SIGNIFICANT_DIGITS).divide(Decimal(value.numerator), Decimal(value.denominator))
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _value(node: ast.expr, source: str) -> Fraction:
    match node:
        case ast.Constant(value=int() | float()):
            # From the text, as the parser has made a binary fraction of it.
            return Fraction(ast.get_source_segment(source, node) or "")
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, source)
        case ast.BinOp() if operation := _OPERATIONS.get(type(node.op)):
            left, right = _value(node.left, source), _value(node.right, source)
            if isinstance(node.op, ast.Div) and not right:
                raise CalculationError("division by zero")
            return operation(left, right)
    raise CalculationError(_FORM)


def _is_unit(character: str) -> bool:
    return character.isalpha() or character in "%\u00b0" or unicodedata.category(character) == "Sc"
