"""How a function becomes a task: options that belong together, --json, errors as one line and a status."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import invoke.tasks
from invoke.context import Context

if TYPE_CHECKING:
    from teeforge.lab import Lab

# Where the collection's configuration has the folder of tasks.py.
CHECKOUT = "checkout"
_JSON = Parameter("json", Parameter.POSITIONAL_OR_KEYWORD, default=False)
_NOTHING: Mapping[str, str] = {}


class Bundle(NamedTuple):
    """Options that belong together: a body has a parameter ``name``, for what ``make`` makes of them.

    The parameters of ``make`` are the options, ``help`` their help texts, ``iterable`` those that may be
    repeated. Errors that it raises are the task's.
    """

    name: str
    make: Callable[..., object]
    help: Mapping[str, str]
    iterable: tuple[str, ...] = ()


class HelpedTask(invoke.tasks.Task[Any]):
    """A task that keeps the help of its options: Invoke's own gives it to whoever asks first."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> Any:
        """Return the arguments, each with its help."""
        kept = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = kept


def command(
    *bundles: Bundle,
    json: bool = False,
    help: Mapping[str, str] = _NOTHING,
    iterable: Iterable[str] = (),
    name: str = "",
    default: bool = False,
) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a task of a ``name`` (its own, if left out), the ``default`` one of its collection.

    ``help`` has a text for each option that is not in a bundle. With ``json`` the task has that option, and
    its body returns an Answer; else it may return an exit status. Errors become one line and a status.
    """
    texts = {**{key: text for bundle in bundles for key, text in bundle.help.items()}, **help}
    if json:
        texts["json"] = "print JSON on stdout"
    repeated = [*(key for bundle in bundles for key in bundle.iterable), *iterable]

    def decorate(body: Callable[..., Any]) -> Any:
        called = name or body.__name__.replace("_", "-")
        parameters = list(_parameters(body, {bundle.name: bundle for bundle in bundles}))
        if json:
            parameters.append(_JSON)

        @functools.wraps(body)
        def guarded(context: Context, **options: Any) -> None:
            from teeforge.answer import Answer
            from teeforge.base.guard import guard
            from teeforge.commandline.words import check_rest

            def checked() -> int | None:
                check_rest(context.remainder, called, options)
                as_json = options.pop("json", False) if json else False
                for bundle in bundles:
                    options[bundle.name] = bundle.make(**_taken(options, bundle.make))
                found = body(context, **options)
                return found.show(as_json) if isinstance(found, Answer) else found

            if status := guard(checked):
                sys.exit(status)

        guarded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        decorated = invoke.tasks.task(
            klass=HelpedTask, help=texts, iterable=repeated, name=name or None, default=default
        )
        return decorated(guarded)

    return decorate


def checkout(context: Context) -> Path:
    """Return the folder of the tasks.py that was called, wherever the user stands."""
    return Path(context[CHECKOUT])


def lab(context: Context, *, jobs: int = 0, live: bool = True) -> Lab:
    """Return the laboratory of this checkout."""
    from teeforge.lab import Lab
    from teeforge.settings.config import find_root

    return Lab(find_root(checkout(context)), jobs=jobs, live=live)


def _parameters(body: Callable[..., Any], bundles: Mapping[str, Bundle]) -> Iterable[Parameter]:
    """Yield a body's parameters, those of a bundle in the place of the one that stands for it."""
    for name, parameter in inspect.signature(body).parameters.items():
        if name in bundles:
            yield from inspect.signature(bundles[name].make).parameters.values()
        else:
            yield parameter.replace(kind=Parameter.POSITIONAL_OR_KEYWORD)


def _taken(options: dict[str, Any], make: Callable[..., object]) -> dict[str, Any]:
    """Take out of ``options`` those that ``make`` has as parameters."""
    return {name: options.pop(name) for name in inspect.signature(make).parameters if name in options}
