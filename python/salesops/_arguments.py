"""Arguments as the core takes them: whole numbers, numbers, texts; what is none is refused by its name."""

from __future__ import annotations

import ast
import functools
import inspect
import math
import numbers
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from salesops._core.error import UsageError

P = ParamSpec("P")
R = TypeVar("R")
Reader = Callable[[Any, str], Any]

# The core counts in 32 bits, and from 0 or in 64 what has these names.
RANGES = {
    "seed": (0, 2**64 - 1),
    "threads": (0, 2**31 - 1),
    "deals": (0, 2**63 - 1),
    "customers": (0, 2**31 - 1),
    "renewals": (0, 2**31 - 1),
    "first_renewal": (0, 2**31 - 1),
}


def whole(value: Any, name: str) -> int:
    """A whole number that the core can hold, of Python or NumPy."""
    low, high = RANGES.get(name, (-(2**31), 2**31 - 1))
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        try:
            number = operator.index(value)
        except TypeError:  # an array has it and isn't one
            raise refusal(value, name, "a whole number") from None
        if low <= number <= high:
            return number
        raise UsageError(f"{name}: need a whole number from {low} to {high}")
    raise refusal(value, name, "a whole number")


def number(value: Any, name: str) -> float:
    """A number, also an exact one; infinity is left to whom it concerns."""
    if not isinstance(value, bool) and isinstance(value, numbers.Real | Decimal):
        try:
            made = float(value)
        except (OverflowError, ValueError) as error:
            raise UsageError(f"{name}: the number is too large") from error
        if not math.isnan(made):
            return value if isinstance(value, int) else made
        raise UsageError(f"{name}: NaN is no number")
    raise refusal(value, name, "a number")


def truth(value: Any, name: str) -> bool:
    """True or False, of Python or NumPy."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise refusal(value, name, "True or False")


def text(value: Any, name: str) -> str:
    """A text that is Unicode: surrogates stand for bytes that nobody could read."""
    if not isinstance(value, str):
        raise refusal(value, name, "a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name}: the text has a lone surrogate, which is no character") from error
    return value


def texts(value: Any, name: str) -> list[str]:
    """Several texts; a lone one is a list of one."""
    return [text(value, name)] if isinstance(value, str) else [text(one, name) for one in listed(value, name)]


def listed(value: Any, name: str) -> list[Any]:
    """The items of a list, a tuple, an array, a series; not the bytes of a text, nor the keys of a dict."""
    if not isinstance(value, str | bytes | bytearray | Mapping):
        try:
            return list(value)
        except TypeError:
            pass
    raise refusal(value, name, "a list")


def mapping(value: Any, name: str) -> Mapping[Any, Any]:
    """A dict, or what is like one."""
    if isinstance(value, Mapping):
        return value
    raise refusal(value, name, "a dict")


def path(value: Any, name: str) -> Any:
    """A path, as text or as an object."""
    if isinstance(value, os.PathLike):
        return value
    if not text(value, name) or "\0" in value:
        raise UsageError(f"{name}: the path is empty or has a NUL in it")
    return value


def pair(value: Any, name: str) -> tuple[Any, Any]:
    """A start and an end."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray) and len(value) == 2:
        return value[0], value[1]
    raise UsageError(f"{name}: need (start, end), not {type(value).__name__}")


def refusal(value: Any, name: str, wanted: str) -> UsageError:
    """The error that says what an argument has to be."""
    return UsageError(f"{name}: need {wanted}, not {type(value).__name__}")


def each(read: Reader) -> Reader:
    """A reader of lists."""
    return lambda value, name: [read(one, name) for one in listed(value, name)]


def some_numbers(value: Any, name: str) -> Any:
    """A number, or several."""
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    return each(number)(value, name) if several else number(value, name)


READERS: dict[str, Reader] = {
    "int": whole,
    "float": number,
    "bool": truth,
    "str": text,
    "str | os.PathLike[str]": path,
    "str | Iterable[str]": texts,
    "Iterable[str]": texts,
    "Sequence[str]": texts,
    "Sequence[int]": each(whole),
    "Sequence[Mapping[str, Any]]": each(mapping),
    "float | Sequence[float]": some_numbers,
    # Of any items.
    "Iterable": listed,
    "Sequence": listed,
    "Mapping": mapping,
}


def reader_of(annotation: str) -> Reader | None:
    """What reads an argument of this annotation; None where the function itself looks at it."""
    kind = annotation.removesuffix(" | None")
    tree = ast.parse(kind, mode="eval").body
    outer = tree.value.id if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name) else kind
    read = READERS.get(kind, READERS.get(outer))
    if read is None or kind == annotation:
        return read
    return lambda value, name: None if value is None else read(value, name)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function with its arguments read as their annotations say."""
    signature = inspect.signature(function)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    kinds = {
        one.name: one.annotation
        for one in signature.parameters.values()
        if one.kind in named and isinstance(one.annotation, str)
    }
    readers = {name: read for name, kind in kinds.items() if (read := reader_of(kind)) is not None}

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # Python says it better
        for name, value in bound.arguments.items():
            if name in readers:
                bound.arguments[name] = readers[name](value, name)
        return function(*bound.args, **bound.kwargs)

    return run
