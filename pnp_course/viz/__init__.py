"""Figures, sliders, and what single notebooks draw and look at. Nothing else in the library imports matplotlib."""
