"""Every rule there is, one module for each subject; a rule is where a module of this package has one."""

from __future__ import annotations

import importlib
import pkgutil

from kflab.diagnose.rules.rule import Rule


def _rules() -> list[Rule]:
    names = (module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]


ALL: tuple[Rule, ...] = tuple(sorted(_rules(), key=lambda rule: rule.code))
"""All rules, in the order of their codes."""
