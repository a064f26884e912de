"""Plug-in families: a family is a tuple of `Section` classes, each with its own `kind`.

A plug-in is the section of the configuration that describes it: pydantic picks the class by
`kind:`, checks its keys, and the resulting object does the work. A new kind is one class in one
file and one entry in the family's `KINDS`.
"""

from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field

from quakeline.core.section import Section


def kind_of(plugin: type[Section]) -> str:
    """Return the value of `kind:` that selects this plug-in class."""
    return str(plugin.model_fields["kind"].default)


def one_of(kinds: tuple[type[Section], ...]) -> Any:
    """Return the annotation of a config field that holds one plug-in of a family."""
    if len(kinds) == 1:
        return kinds[0]
    return Annotated[reduce(or_, kinds), Field(discriminator="kind")]
