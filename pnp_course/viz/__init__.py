"""Figures. Nothing else in the library imports matplotlib."""
