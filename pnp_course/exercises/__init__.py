"""Checks of the notebooks' exercises: `verdicts` says what is right, `notebook_NN` holds the checks of one notebook."""
