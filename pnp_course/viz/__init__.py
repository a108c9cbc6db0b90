"""Figures, sliders, and helpers of single notebooks. Nothing else in the library imports matplotlib."""
