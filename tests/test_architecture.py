"""The laws of the house, held by looking: who imports what, and whether the pages tell what is."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT
from trainer.settings import Settings

PACKAGES = ("bot", "gateway", "tools", "trainer")
HEAVY = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate")
HOME_OF_HEAVY = ("trainer/methods/", "trainer/inference/", "trainer/providers/local.py")
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:work|root|home)/[\w.-]+")
# Addresses of package indexes tie a checkout to somebody's network; pip knows its own.
INDEX_HOSTS = re.compile(r"index-url|extra-index|https?://[\w.-]*(?:pypi|registry|artifactory|nexus)[\w.-]*", re.I)


@pytest.mark.parametrize("door", ["bot.app", "gateway.app", "tools.cli.main"])
def test_a_door_opens_without_the_training_stack(door: str) -> None:
    script = f"import sys, {door}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_imports_point_one_way() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_heavy_libraries_are_imported_only_where_they_live() -> None:
    strays = [
        f"{path}: {name}"
        for path in sources(*PACKAGES)
        if not path.startswith(HOME_OF_HEAVY)
        for name in imported(path) & set(HEAVY)
    ]
    assert not strays


def test_the_import_law_holds_for_modules_named_in_strings_too() -> None:
    """tools opens the doors above it by name; nothing of trainer may."""
    named = re.compile(r"""["'](?:bot|gateway|tools)\.[\w.]+:\w+["']""")
    assert not [path for path in sources("trainer") if named.search((ROOT / path).read_text())]


def test_the_dependency_table_is_in_step() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \| ([\w.]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.M)
    assert {(name, extra) for name, extra, _ in rows} == declared()
    pinned = constraints()
    assert {name: version for name, _, version in rows} == {name: pinned[name] for name, _, _ in rows}


def test_what_is_imported_is_declared() -> None:
    ours = {*PACKAGES, "tests", "benchmarks", "examples"}
    names = {name for name, _ in declared()}
    providers = packages_distributions()
    missing = {
        module
        for path in sources(*PACKAGES, "tests")
        for module in imported(path) - ours - set(sys.stdlib_module_names)
        if not names & {canonical(d) for d in providers.get(module, [module])}
    }
    assert not missing


def test_every_setting_has_its_row_in_the_operations_page() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", page, re.M))
    wanted = {env_name(name): field.default for name, field in Settings.model_fields.items()}
    assert set(rows) == set(wanted)
    plain = {name: default for name, default in wanted.items() if isinstance(default, bool | int | float)}
    assert {name: rows[name] for name in plain} == {name: f"`{default}`" for name, default in plain.items()}


def test_a_checkout_names_no_machine_and_no_index() -> None:
    found = []
    for path in tracked():
        text = (ROOT / path).read_text(encoding="utf-8", errors="ignore")
        for pattern in (MACHINE_PATHS, INDEX_HOSTS):
            found += [f"{path}: {match[0]}" for match in pattern.finditer(text)]
    assert not [f for f in found if not f.startswith("tests/test_architecture.py")]


@pytest.mark.parametrize("file", ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Procfile", "Makefile"])
def test_the_usual_files_are_there(file: str) -> None:
    assert (ROOT / file).stat().st_size > 0


def test_links_between_the_pages_lead_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert not broken


def sources(*folders: str) -> list[str]:
    return [p.relative_to(ROOT).as_posix() for f in folders for p in sorted((ROOT / f).rglob("*.py"))]


def imported(path: str) -> set[str]:
    """Top-level names of every absolute import in a file, those inside functions included;
    not those for a type checker alone."""
    tree = ast.parse((ROOT / path).read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    modules: list[str] = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.append(node.module)
    return {module.partition(".")[0] for module in modules}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[tuple[str, str]]:
    """(package, extra) of pyproject; the base install is —."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"—": project["dependencies"], **project["optional-dependencies"]}
    return {(canonical(re.split(r"[\[<>=~! ]", line)[0]), extra) for extra, lines in groups.items() for line in lines}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}


def env_name(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"TUNESMITH_{field.upper()}"


def tracked() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = (line for line in listed.splitlines() if not line.endswith((".png", ".jpg", ".gif", ".ico")))
    return [line for line in texts if (ROOT / line).is_file()]
