"""The product runs no text as code, no command through a shell, and unpickles nothing."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "members", "notifications", "points", "activities", "jobs", "api")
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load"}
CALLS |= {"yaml.full_load", "yaml.unsafe_load", "flask.render_template_string"}
MODULES = {"pickle", "marshal", "shelve", "dill", "xml", "lxml", "ldap3", "jinja2", "memcache"}


def _dangers(source: str) -> list[str]:
    """What a file calls or imports that would let input become code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            has_shell = any(word.arg == "shell" for word in node.keywords)
            found += [name] if name in CALLS or has_shell else []
        elif isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found += [module] if module.split(".")[0] in MODULES else []
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_input_becomes_code(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, "the package has moved, and this rule no longer reads it"

    found = {str(file.relative_to(ROOT)): _dangers(file.read_text()) for file in files}

    assert {name: dangers for name, dangers in found.items() if dangers} == {}


@pytest.mark.parametrize(
    "source",
    ["eval(text)", "subprocess.run(line, shell=True)", "import pickle", "from xml.dom import x"],
)
def test_rule_sees_a_planted_danger(source: str) -> None:
    assert _dangers(source)
