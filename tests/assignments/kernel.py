"""Runs a notebook in a real Jupyter kernel, as a student's Restart and Run All does."""

import nbclient
import nbformat


def run_in_kernel(notebook, folder):
    """Run every cell; a cell that raises anything fails the test. Returns the notebook with its outputs."""
    executed = nbformat.from_dict(notebook)
    nbclient.NotebookClient(executed, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return executed
