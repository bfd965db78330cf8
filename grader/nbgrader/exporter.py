"""What ``nbgrader autograde`` reads submissions with in place of nbconvert's exporter of notebooks."""

import os
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from grader.errors import GraderError
from grader.files import read_text, shown
from grader.nbgrader.master import Master, master_of, mended


class MendingExporter(NotebookExporter):  # type: ignore[misc]
    """Reads damaged and rearranged notebooks, too, and hands on mended ones; see `mended`."""

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Convert one notebook.

        Raises
        ------
        GraderError
            If the file is no notebook; nbgrader reports it and goes on with the next submission.
        """
        resources = resources or {}
        master = course_master(self.parent.coursedir, resources["nbgrader"])
        resources["metadata"] = {"name": Path(filename).stem, "path": os.path.dirname(filename)}
        resources["grader"] = {"master": master}
        notebook = mended(read_text(filename), shown(Path(filename).name), master)
        return self.from_notebook_node(notebook, resources, **options)  # type: ignore[no-any-return]


def course_master(coursedir: Any, place: dict[str, str]) -> Master:
    """Return the master of the notebook that nbgrader's ``resources["nbgrader"]`` names.

    Raises
    ------
    GraderError
        If the gradebook does not know it.
    """
    assignment, notebook = place["assignment"], place["notebook"]
    source = Path(coursedir.format_path(coursedir.source_directory, ".", assignment)) / f"{notebook}.ipynb"
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            return master_of(gradebook.find_notebook(notebook, assignment), source)
        except MissingEntry as error:
            raise GraderError(f"{assignment}: run nbgrader generate_assignment first ({error})") from error
