"""The command line: one module a command, and what all commands share (answers, errors, exit statuses).

Command modules import nothing heavy at their top: they are all loaded to print ``equinorm --help``.
"""
