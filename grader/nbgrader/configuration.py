"""What an nbgrader course's own configuration says. Imports nothing of nbgrader's, which takes seconds."""

from pathlib import Path
from typing import Any

from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from grader.errors import GraderError
from grader.files import shown

CONFIG = "nbgrader_config.py"
_DATABASE = "gradebook.db"


def configuration(course: Path) -> Any:
    """Return a course's configuration; without a file nbgrader's defaults hold.

    Whatever folder the command is run in, the course's is the root, unless the file names another.

    Raises
    ------
    GraderError
        If the file cannot be used.
    """
    try:
        config = PyFileConfigLoader(CONFIG, path=str(course.resolve())).load_config()
    except ConfigFileNotFound:
        config = Config()
    except Exception as error:
        raise GraderError(f"{shown(course / CONFIG)} cannot be used: {type(error).__name__}: {error}") from error
    if "root" not in config.CourseDirectory:
        config.CourseDirectory.root = str(course.resolve())
    return config


def gradebook_url(course: Path) -> str:
    """Return the database of a course's gradebook, empty where it has none yet."""
    ours = configuration(course).CourseDirectory
    database = Path(ours.root).resolve() / _DATABASE
    return str(ours.get("db_url", "")) or (f"sqlite:///{database}" if database.is_file() else "")
