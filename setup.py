"""Puts the dbt project into the wheel, because an installed package has no checkout around it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# What dbt reads of the project; tests for pytest stay out.
PARTS = ("dbt_project.yml", "profiles.yml", "macros", "models", "seeds", "tests/generic")


class BuildWithProject(build_py):
    """Copies the project beside the modules; an editable install reads the checkout instead."""

    def run(self) -> None:
        """Build the modules, then lay the project beside them."""
        super().run()
        if self.editable_mode:
            return
        # A file that was removed since an earlier build must not come along.
        target = Path(self.build_lib, "unified_iso", "dbt_project")
        shutil.rmtree(target, ignore_errors=True)
        for part in map(Path, PARTS):
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if part.is_dir() else shutil.copy
            copy(part, target / part)


setup(cmdclass={"build_py": BuildWithProject})
