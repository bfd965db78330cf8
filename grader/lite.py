"""A student bundle as a web site: JupyterLite runs the notebook in the browser, nothing is installed. Static files.

The part of this package that a notebook imports lies beside the notebook as plain files, so that nothing has to be
resolved or downloaded for it; Python, NumPy and Matplotlib for the browser come from Pyodide's CDN, unless a Pyodide
distribution is put into the site.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import grader
from grader.errors import GraderError
from grader.files import shown
from grader.scratch import scratch_folder

_KERNEL = Path("@jupyterlite", "pyodide-kernel-extension")
_IMPORTED = """
import sys, grader
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] == "grader":
        print(module.__file__)
"""
# What else is installed here is left out: other people's extensions have no business in a student's browser.
_CONFIGURATION = {
    "LiteBuildConfig": {
        "contents": ["contents"],
        "output_dir": "site",
        "cache_dir": "cache",
        "apps": ["lab", "notebooks"],
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        "ignore_sys_prefix": ["federated_extensions"],
    },
    "FederatedExtensionAddon": {"extra_labextensions_path": ["extensions-of-ours"]},
}
_LOOKED_AT = 20  # lines of a failed build


def build_site(files: Sequence[Path], to: Path, *, pyodide: Path | None = None) -> Path:
    """Build the site of a bundle.

    Parameters
    ----------
    files : sequence of Path
        What the notebook's folder holds.
    to : Path
        The site's folder; what is in it is replaced if it is a site, and refused otherwise.
    pyodide : path, optional
        Folder of an unpacked Pyodide distribution, to be put into the site; without it, browsers ask Pyodide's CDN.

    Returns
    -------
    Path
        The site's folder, to be put on any web server.

    Raises
    ------
    GraderError
        If JupyterLite is not installed, or its build fails.
    """
    if (
        importlib.util.find_spec("jupyterlite_core") is None
        or importlib.util.find_spec("jupyterlite_pyodide_kernel") is None
    ):
        raise GraderError("a site for the browser needs JupyterLite: python -m pip install 'stencil-cnn[lite]'")
    if to.exists() and not (to / "jupyter-lite.json").is_file() and any(to.iterdir()):
        raise GraderError(f"{shown(to)} holds something else than a site: move it away")
    with scratch_folder() as name:
        stage = Path(name)
        contents = stage / "contents"
        contents.mkdir()
        for file in files:
            shutil.copyfile(file, contents / file.name)
        _copy_package(contents / "grader")
        _copy_kernel(stage / "extensions-of-ours")
        if pyodide is not None:
            _copy_pyodide(pyodide, stage / "static" / "pyodide")
        (stage / "jupyter_lite_config.json").write_text(json.dumps(_CONFIGURATION), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", str(stage)],
            cwd=stage,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not (stage / "site" / "jupyter-lite.json").is_file():
            said = (done.stderr or done.stdout).strip().splitlines()[-_LOOKED_AT:]
            raise GraderError(f"JupyterLite could not build the site: {' '.join(said)}")
        if to.exists():
            shutil.rmtree(to)
        shutil.copytree(stage / "site", to)
    return to


def _copy_package(to: Path) -> None:
    """Copy the modules that ``import grader`` loads, which are those that a notebook needs."""
    root = Path(grader.__file__).parent
    listed = subprocess.run(
        [sys.executable, "-c", _IMPORTED], cwd=root.parent, capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        target = to / Path(line).relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(line, target)


def _copy_kernel(to: Path) -> None:
    installed = Path(sys.prefix, "share", "jupyter", "labextensions") / _KERNEL
    if not installed.is_dir():
        raise GraderError(f"JupyterLite's Python kernel is not where it should be: {shown(installed)}")
    shutil.copytree(installed, to / _KERNEL)


def _copy_pyodide(distribution: Path, to: Path) -> None:
    if not (distribution / "pyodide.mjs").is_file():
        raise GraderError(f"{shown(distribution)} is no Pyodide distribution: it holds no pyodide.mjs")
    shutil.copytree(distribution, to)
