"""Every value that a fact can hold."""

import types
from decimal import Decimal
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct

_S = TypeVar("_S", bound=Struct)


def facts_of(struct: type[_S]) -> st.SearchStrategy[_S]:
    """Every value a struct can hold."""
    hints = get_type_hints(struct)
    return st.builds(struct, **{name: _values(hints[name]) for name in struct.__struct_fields__})


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, args = get_origin(hint), get_args(hint)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        Decimal: st.decimals(allow_nan=False, allow_infinity=False),
        str: st.text(),
        int: st.integers(-(2**63), 2**63 - 1),
        bool: st.booleans(),
        type(None): st.none(),
    }
    if hint in plain:
        return plain[hint]
    if origin is tuple:
        return st.lists(_values(args[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(), _values(args[1]), max_size=3)
    if origin in {types.UnionType, Union}:
        return st.one_of(*map(_values, args))
    return facts_of(hint)
