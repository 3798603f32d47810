"""Which column of a source plays which role: a mapping given by the caller first, then known names and aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shopkeeper.data.schema import COLUMN_ALIASES
from shopkeeper.errors import DataError, choices


def match_columns(
    found: Sequence[str], mapping: Mapping[str, str], roles: Sequence[str], required: Iterable[str], flag: str = "--map"
) -> dict[str, str]:
    """Finds the source column of each role.

    Args:
        found: Column names of the source.
        mapping: Our name to the source's name, as the caller says; an empty name leaves the role without a column.
        roles: Our names that may be filled.
        required: Those of them that must be filled.
        flag: Flag of the command line that sets the mapping, for messages.

    Returns:
        Our name to the source's name, in the order of `roles`; a source column fills one role at most.

    Raises:
        DataError: The mapping names a role or a column that does not exist, two columns fit a role, or none fits a
            required one.
    """
    given = {role: _given(found, role, name, flag) for role, name in mapping.items() if _is_role(role, roles, flag)}
    taken = [name for name in given.values() if name]
    result: dict[str, str] = {}
    for role in roles:
        name = given[role] if role in given else _guess(found, role, taken, flag)
        if name:
            result[role] = name
            taken.append(name)
    missing = [role for role in required if role not in result]
    if missing:
        role = missing[0]
        raise DataError(
            f"no column for {' and '.join(missing)}",
            expected=f"a column named {role}, or one of its aliases ({', '.join(COLUMN_ALIASES[role][:4])}, ...)",
            got=f"columns {', '.join(found) or '(none)'}",
            remedy=" ".join(f"{flag} {name}=COLUMN" for name in missing),
        )
    return result


def normalized(name: str) -> str:
    """A column name in lower case, with underscores for spaces and hyphens."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _is_role(role: str, roles: Sequence[str], flag: str) -> bool:
    if role not in roles:
        raise DataError(
            f"{role!r} is not a column of ours", expected=choices(role, roles), remedy=f"{flag} OURS=COLUMN"
        )
    return True


def _given(found: Sequence[str], role: str, name: str, flag: str) -> str:
    if not name or name in found:
        return name
    same = [column for column in found if column.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    raise DataError(
        f"there is no column {name!r} for {role}", expected=choices(name, found), remedy=f"{flag} {role}=COLUMN"
    )


def _guess(found: Sequence[str], role: str, taken: Sequence[str], flag: str) -> str:
    free = [column for column in found if column not in taken]
    if role in free:
        return role
    for names in ((role,), COLUMN_ALIASES.get(role, ())):
        fitting = [column for column in free if normalized(column) in names]
        if len(fitting) > 1:
            raise DataError(
                f"more than one column may be {role}",
                got=", ".join(fitting),
                remedy=f"choose: {flag} {role}={fitting[0]} (or {flag} {role}= for none)",
            )
        if fitting:
            return fitting[0]
    return ""
