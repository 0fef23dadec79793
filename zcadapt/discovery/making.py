"""From what an entry point names to a utility that keeps its interface.

| what the entry point names                          | what becomes of it                |
| --------------------------------------------------- | --------------------------------- |
| an object that provides the interface               | it is the utility                 |
| a class, or a callable declared with ``implementer`` | a factory, called with the options |
| another callable, as a service                      | a factory, called with the options |
| another callable, as a policy                       | it is the policy, as in zc.icp    |

A factory that takes no argument is called without, and has no options.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from zope.interface.verify import verifyObject

from zcadapt.config import Problem, SettingsError, UtilityTable, did_you_mean
from zcadapt.config.place import dotted
from zcadapt.icap.declarations import check_declarations
from zcadapt.interfaces import IICAPService, IICPPolicy

__all__ = ["make_policy", "make_service"]

Options = Mapping[str, object]

#: What is told of a function that was to be the service, and is taken for a factory.
UNDECORATED: Final = "is @reqmod or @respmod missing?"

#: The keys of a utility's table that are zcadapt's own.
OURS: Final = tuple(each.name for each in fields(UtilityTable) if each.name != "options")


def make_service(named: object, options: Options) -> object:
    """Return the service that `named`, from an entry point, is or makes.

    Raises:
        SettingsError: it does not take these options.
        Exception: whatever else a plugin may fail with.
    """
    is_service = IICAPService.providedBy(named)
    service: Any = _as_it_is(named, options) if is_service else _service_made(named, options)
    check_service(service)
    return service


def _service_made(factory: object, options: Options) -> object:
    if inspect.iscoroutinefunction(factory):
        raise TypeError(f"{factory!r:.80} is a coroutine function, which makes none; {UNDECORATED}")
    try:
        return _made(factory, options)
    except AttributeError as error:
        if inspect.isfunction(factory) and error.obj is options:
            # It takes the options for a request.
            raise TypeError(f"AttributeError: {error}; {UNDECORATED}") from error
        raise


def check_service(service: Any) -> None:  # noqa: ANN401 - whatever is to be asked
    """Check that `service` can be asked.

    Raises:
        Exception: it does not keep `IICAPService`; the text says where.
    """
    if not IICAPService.providedBy(service):
        what = f"{service!r:.80} does not provide IICAPService"
        raise TypeError(f"{what}; {UNDECORATED}")
    verifyObject(IICAPService, service)
    check_declarations(service)


def make_policy(named: object, options: Options) -> object:
    """Return the policy that `named`, from an entry point, is or makes.

    Raises:
        As `make_service`.
    """
    policy = _made(named, options) if _makes_policies(named) else _as_it_is(named, options)
    check_policy(policy)
    return policy


def check_policy(policy: Any) -> None:  # noqa: ANN401 - whatever is to be asked
    """Check that `policy` can be asked.

    Raises:
        Exception: it does not keep `IICPPolicy`; the text says where.
    """
    if not callable(policy):
        raise TypeError(f"{policy!r:.80} is no policy: it cannot be called")
    # A plain function declares nothing, and is a policy nevertheless.
    verifyObject(IICPPolicy, policy, tentative=True)
    try:
        inspect.signature(policy).bind("")
    except ValueError:  # some that are written in C have no signature
        return
    except TypeError as error:
        what = f"{policy!r:.80} is no policy: it is called with one argument"
        raise TypeError(f"{what}; {error}") from error


def _makes_policies(named: object) -> bool:
    if IICPPolicy.providedBy(named):
        return False
    return inspect.isclass(named) or IICPPolicy.implementedBy(named)


def _as_it_is(utility: object, options: Options) -> object:
    _refuse(options)
    return utility


def _made(factory: object, options: Options) -> object:
    if not callable(factory):
        raise TypeError(f"{factory!r:.80} neither provides the interface nor can be called")
    if not _takes_options(factory):
        _refuse(options)
        return factory()
    try:
        return factory(options)
    except SettingsError as error:
        raise SettingsError(map(_told_of_ours, error.problems)) from error


def _told_of_ours(problem: Problem) -> Problem:
    """Return what a plugin says of its settings; one that is unknown may be meant for zcadapt."""
    hint = did_you_mean(problem.where, OURS)
    if hint and problem.what.startswith("no such setting; "):
        return replace(problem, what=f"no such setting{hint}")
    return problem


def _takes_options(factory: Callable[..., object]) -> bool:
    try:
        return bool(inspect.signature(factory).parameters)
    except ValueError:  # some that are written in C have no signature
        return True


def _refuse(options: Options) -> None:
    """Tell that a utility which takes no options was given some."""
    if options:
        raise SettingsError(
            Problem(dotted((key,)), f"no such setting{did_you_mean(key, OURS)}") for key in options
        )
