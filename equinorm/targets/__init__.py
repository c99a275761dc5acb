"""Targets: functions that a user names, imported and called in a process of their own.

    module:function                a function, or anything callable; dotted attributes are fine
    torch:module.Class(arguments)  a torch module, made here; the arguments are Python literals

Modules: ``spelling`` (what may be named), ``child`` (the process that imports and calls), ``process`` (how it is
asked, and ended), ``target`` (one as a callable) and ``examination`` (what makes one unfit).
"""

from equinorm.targets.examination import examine
from equinorm.targets.target import Target, open_target

__all__ = ["Target", "examine", "open_target"]
