"""Runs the steps of action.yml as the platform would, with a stand-in for plimsoll.

Steps that `use` another action are recorded, not run. Expressions are the few forms that
action.yml has; any other form is an error here, so that the test cannot pass by misreading one.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACTION = YAML(typ="safe").load((ROOT / "action.yml").read_text())

STAND_IN = """#!/usr/bin/env bash
if [[ "${1:-}" == --version ]]; then echo "${SAYS:-plimsoll 0.0.0}"; exit; fi
env | grep '^PLIMSOLL' | LC_ALL=C sort > "$SEEN"
printf 'args=%s\\n' "$*" >> "$SEEN"
if [[ -n "${VERDICT:-}" ]]; then
  printf 'verdict=%s\\nrun=/runs/1\\ngate-exit-code=%s\\n' "$VERDICT" "$GATE" >> "$GITHUB_OUTPUT"
fi
exit "$LEAVES"
"""


class Run:
    """One use of the action in a fresh workspace."""

    def __init__(self, inputs, environment, tree=ROOT):
        self.tree = tree
        self.folder = tempfile.TemporaryDirectory()
        self.workspace = pathlib.Path(self.folder.name) / "work space"
        self.workspace.mkdir()
        stand_in = self.workspace / "stand-in"
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)
        self.inputs = {name: str(spec["default"]) for name, spec in ACTION["inputs"].items()}
        unknown = set(inputs) - set(self.inputs)
        assert not unknown, f"the action has no input {unknown}"
        self.inputs |= {"binary": str(stand_in)} | inputs
        self.environment = {"PATH": os.environ["PATH"], "SEEN": str(self.workspace / "seen")}
        self.environment |= {"RUNNER_TEMP": self.folder.name} | environment
        self.outputs, self.used, self.code = {}, [], 0
        for step in ACTION["runs"]["steps"]:
            self.step(step)

    def step(self, step):
        condition = step.get("if")
        if not self.holds(condition) if condition else self.code != 0:
            return
        if "uses" in step:
            self.used.append(step["name"])
            return
        assert "${{" not in step["run"], f"{step['name']}: an expression inside run"
        written = self.workspace / "outputs"
        written.write_text("")
        environment = self.environment | {"GITHUB_OUTPUT": str(written)}
        environment |= {name: self.fill(value) for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace / self.fill(step.get("working-directory", ".")),
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )
        self.code = self.code or done.returncode
        lines = [line.partition("=") for line in written.read_text().splitlines()]
        self.outputs[step.get("id")] = {name: value for name, _, value in lines}

    def fill(self, text):
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: self.value(match[1]), str(text))

    def value(self, expression):
        match expression.split("."):
            case ["github", "action_path"]:
                return str(self.tree)
            case ["inputs", name]:
                return self.inputs[name]
            case ["steps", step, "outputs", name]:
                return self.outputs.get(step, {}).get(name, "")
        raise ValueError(f"an expression that this test does not know: {expression}")

    def holds(self, condition):
        terms = re.fullmatch(r"\$\{\{ (.*) \}\}", condition)[1].split(" && ")
        # Without a status function of its own, a condition holds after success only.
        if "!cancelled()" not in terms and self.code != 0:
            return False
        return all(self.term(term) for term in terms if term != "!cancelled()")

    def term(self, term):
        left, operator, right = re.fullmatch(r"(\S+) (==|!=) '(.*)'", term).groups()
        return (self.value(left) == right) == (operator == "==")

    def seen(self):
        file = self.workspace / "seen"
        return file.read_text().splitlines() if file.exists() else []


def verdicts():
    """What plimsoll writes and how it leaves, against how the action ends."""
    table = [
        # verdict, gate, leaves, expected
        ("pass", "0", "0", 0),
        ("regression", "1", "1", 1),
        ("inconclusive", "3", "3", 3),
        ("invalid", "6", "6", 6),
        ("error", "4", "4", 4),
        ("new", "5", "5", 5),
        ("regression", "0", "0", 0),  # hidden by fail-on: plimsoll itself says 0
        ("", "", "2", 2),             # usage error before there was a verdict
        ("", "", "137", 137),         # killed
        ("", "", "0", 2),             # no verdict is never green
        ("pass", "0", "139", 139),    # died after it wrote its verdict
        ("pass", "256", "0", 2),      # 256 would wrap to 0
        ("pass", "none", "0", 2),
    ]
    for verdict, gate, leaves, expected in table:
        run = Run({}, {"VERDICT": verdict, "GATE": gate, "LEAVES": leaves})
        assert run.code == expected, f"{verdict}, {gate}, {leaves}: {run.code}, not {expected}"
        assert run.outputs["measure"]["exit-code"] == leaves
        assert ("Upload the run" in run.used) == (verdict != ""), run.used
    return len(table)


def inputs_reach_plimsoll_unharmed():
    """Nothing in an input is read by a shell."""
    hostile = 'a b";$(touch x)`touch x`${PATH}\'&|>x'
    inputs = {"config": hostile, "only": "one two", "budget": "", "fail-on": "regression"}
    run = Run(inputs, {"VERDICT": "pass", "GATE": "0", "LEAVES": "0"})
    assert run.code == 0
    assert f"PLIMSOLL_CONFIG={hostile}" in run.seen(), run.seen()
    assert "PLIMSOLL_ONLY=one two" in run.seen() and "PLIMSOLL_BUDGET=" in run.seen()
    assert "args=check --ci github" in run.seen(), run.seen()
    assert not list(pathlib.Path(run.folder.name).rglob("x")), "an input was executed"
    assert not [line for line in run.seen() if "TOKEN" in line]
    return 1


def only_plimsoll_is_installed():
    """A binary that is none is refused, and nothing is measured."""
    says = {"VERDICT": "pass", "GATE": "0", "LEAVES": "0"}
    cases = [({"binary": "/bin/true"}, {}), ({"binary": "absent"}, {}), ({}, {"SAYS": "other 1.0"})]
    for inputs, more in cases:
        run = Run(inputs, says | more)
        assert run.code == 2 and run.seen() == [], f"{inputs}, {more}: {run.code}"
    assert Run({"binary": "./stand-in"}, says).code == 0, "a path from the workspace"
    return len(cases) + 1


def no_artifact_without_a_name():
    run = Run({"artifact": ""}, {"VERDICT": "pass", "GATE": "0", "LEAVES": "0"})
    assert run.code == 0 and run.used == [], run.used
    return 1


def without_a_binary_the_source_is_built_once():
    """A tree with a tiny program stands for the action's own."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "action tree"
        shutil.copytree(ROOT / "scripts", tree / "scripts")
        (tree / "src").mkdir()
        package = 'name = "plimsoll"\nversion = "0.0.1"\n'
        (tree / "Cargo.toml").write_text(f'[package]\n{package}edition = "2024"\n')
        (tree / "Cargo.lock").write_text(f"version = 4\n\n[[package]]\n{package}")
        source = tree / "src" / "main.rs"
        source.write_text('fn main() { println!("plimsoll 0.0.1") }')
        environment = {"HOME": os.environ["HOME"], "RUNNER_TEMP": folder}
        first = Run({"binary": ""}, environment, tree)
        assert first.outputs["install"].get("built") == "true", first.outputs
        assert first.used == ["Restore the build", "Save the build"], first.used
        assert first.code == 2, "the tiny program writes no verdict"
        again = Run({"binary": ""}, environment, tree)
        assert again.outputs["install"] == {"path": f"{folder}/plimsoll/plimsoll"}
        assert again.outputs["key"] == first.outputs["key"] != {}
        source.write_text("fn main() {}")
        changed = Run({"binary": ""}, environment, tree)
        assert changed.outputs["key"]["key"] != first.outputs["key"]["key"]
    return 3


def pins_are_full():
    uses = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]
    assert uses and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in uses), uses
    return len(uses)


if __name__ == "__main__":
    cases = [verdicts, inputs_reach_plimsoll_unharmed, only_plimsoll_is_installed,
             no_artifact_without_a_name, without_a_binary_the_source_is_built_once, pins_are_full]
    print(f"action.yml: {sum(case() for case in cases)} cases hold")
