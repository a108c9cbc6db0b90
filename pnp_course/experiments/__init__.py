"""Experiments: tables and curves of the papers, computed again. Each is a module that declares what it runs.

The shape they share: a list of frozen configs, a function that turns a config into a row, and a `Table` (table.py), the
results file that the rows go to. A config whose row is in the table is not run again, so an experiment that was stopped
goes on with the same command. Speed is measured in the folder benchmarks/, not here.
"""
