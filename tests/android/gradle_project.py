"""What the Gradle files of android_demo say, for those who build it without Gradle."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MODULES = ("core", "native", "presentation", "app")


@dataclass(frozen=True)
class GradleProject:
    """The project.

    Attributes:
        folder: Its root.
    """

    folder: Path

    @cached_property
    def shared(self) -> dict[str, str]:
        """The values that all modules share, as they are written."""
        text = (self.folder / "build.gradle").read_text()
        return dict(re.findall(r"^    (\w+) = (.+)$", text, re.MULTILINE))

    def setting(self, module: str, name: str) -> str:
        """Return a setting of a module; one that names a shared value gives that."""
        text = (self.folder / module / "build.gradle").read_text()
        found = re.search(rf"^\s+{name} = (.+)$", text, re.MULTILINE)
        assert found is not None, f"{module}/build.gradle does not set {name}"
        return self.shared.get(found[1], found[1]).strip("'")

    @property
    def minimum_level(self) -> int:
        """The oldest API level that the app runs on."""
        return int(self.setting("app", "minSdk"))

    @property
    def abis(self) -> list[str]:
        """The processors' names."""
        return re.findall(r"'([^']+)'", self.shared["abis"])

    def sources(self, *modules: str) -> list[Path]:
        """Return the folders of the modules' sources."""
        return [self.folder / module / "src/main/java" for module in modules]

    def write_manifest(self, path: Path) -> Path:
        """Write the app's manifest with what Gradle adds to it."""
        text = (self.folder / "app/src/main/AndroidManifest.xml").read_text()
        namespace = self.setting("app", "namespace")
        path.write_text(text.replace("<manifest ", f'<manifest package="{namespace}" ', 1))
        return path

    def link_options(self) -> list[str]:
        """Return what Gradle tells the linker of resources."""
        names = {
            "--min-sdk-version": "minSdk",
            "--target-sdk-version": "targetSdk",
            "--version-code": "versionCode",
            "--version-name": "versionName",
            "--rename-manifest-package": "applicationId",
        }
        return [
            word for option, name in names.items() for word in (option, self.setting("app", name))
        ]
