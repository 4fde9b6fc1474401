"""Reads JUnit files with programs that are not ours: `junit-readers.py FOLDER`.

The folder holds pairs `STATE.rich.xml` and `STATE.strict.xml`; a test writes them where
PLIMSOLL_JUNIT_FILES names the folder. Three readers that share no code (junitparser on libxml2,
junit2html and xunitparser on expat) must see what the file says. Each strict file must be valid against
the original `junit-10.xsd`, as the source distribution of pytest has it, each rich one against
`schema/junit.xsd`, which is the original with three optional attributes; and a strict file must be the
rich one without these.
"""

import collections
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import junit2htmlreport.parser
import junitparser
import xunitparser
from lxml import etree

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTEST = "9.0.2"
ORIGINAL_SHA256 = "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"
# What the rich dialect has besides, as (element, attribute).
MORE = {("testsuites", "skipped"), ("testcase", "file"), ("testcase", "line")}
PAIRS_MIN = 20
XSD = "{http://www.w3.org/2001/XMLSchema}"

Seen = collections.namedtuple("Seen", "names failures errors skipped first_lines")


def original_schema():
    """`junit-10.xsd`, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        download += ["--no-binary", "pytest", "--dest", folder, f"pytest=={PYTEST}"]
        subprocess.run(download, check=True, timeout=300)
        with tarfile.open(f"{folder}/pytest-{PYTEST}.tar.gz") as archive:
            member = f"pytest-{PYTEST}/testing/example_scripts/junit-10.xsd"
            schema = archive.extractfile(member).read()
    found = hashlib.sha256(schema).hexdigest()
    assert found == ORIGINAL_SHA256, f"junit-10.xsd has the hash {found}"
    return etree.fromstring(schema)


def first_line(text):
    return (text or "").strip().split("\n")[0]


def seen_by_junitparser(path):
    names, kinds, lines = [], collections.Counter(), []
    for suite in junitparser.JUnitXml.fromfile(str(path)):
        for case in suite:
            names.append((case.classname, case.name))
            for result in case.result:
                kinds[type(result).__name__] += 1
                lines.append(first_line(result.text))
    return Seen(sorted(names), kinds["Failure"], kinds["Error"], kinds["Skipped"], sorted(lines))


def seen_by_junit2html(path):
    """It knows failures and skipped ones; an error is a failure to it."""
    names, failed, skipped, lines = [], 0, 0, []
    for suite in junit2htmlreport.parser.Junit(str(path)).suites:
        for case in suite.all():
            names.append((case.testclass.name, case.name))
            failed += case.failed()
            skipped += str(case.outcome()).lower().endswith("skipped")
            if case.failed():
                lines.append(first_line(case.failure))
            elif case.skipped:
                lines.append(first_line(case.skipped))
    return Seen(sorted(names), failed, 0, skipped, sorted(lines))


def seen_by_xunitparser(path):
    # It counts the skipped ones itself, and compares the rest with the totals of the root.
    with open(path, encoding="utf-8") as file:
        suite, result = xunitparser.parse(file)
    cases = list(suite)
    lines = sorted(first_line(case.trace) for case in cases if not case.success)
    names = sorted((case.classname, case.methodname) for case in cases)
    return Seen(names, len(result.failures), len(result.errors), len(result.skipped), lines)


def said(path):
    """What the file itself says, and that its totals are those of its elements."""
    root = etree.parse(str(path)).getroot()
    cases = root.findall("testsuite/testcase")
    kinds = {
        kind: [case for case in cases if case.find(kind) is not None]
        for kind in ("failure", "error", "skipped")
    }
    suite = root.find("testsuite")
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        count = len(kinds[kind])
        assert int(suite.get(attribute)) == count, f"{path.name}: testsuite@{attribute}"
        total = root.get(attribute)
        assert total is None or int(total) == count, f"{path.name}: testsuites@{attribute}"
    assert int(root.get("tests")) == len(cases) > 0, f"{path.name}: testsuites@tests"
    lines = []
    for kind, of_kind in kinds.items():
        for case in of_kind:
            message = case.find(kind).get("message").strip()
            lines.append(first_line(case.find(kind).text))
            assert message == lines[-1], f"{path.name}: the text does not begin with {message!r}"
    names = sorted((case.get("classname"), case.get("name")) for case in cases)
    assert len(set(names)) == len(names), f"{path.name}: two cases have one name"
    return Seen(names, *(len(of_kind) for of_kind in kinds.values()), sorted(lines))


def read(path):
    expected = said(path)
    for reader in (seen_by_junitparser, seen_by_xunitparser):
        seen = reader(path)
        assert seen == expected, f"{path.name}: {reader.__name__}: {seen}, it says {expected}"
    seen = seen_by_junit2html(path)
    merged = expected._replace(failures=expected.failures + expected.errors, errors=0)
    assert seen == merged, f"{path.name}: junit2html saw {seen}, it says {merged}"
    return expected


def without_more(tree):
    for element in tree.iter():
        for name in [name for name in element.attrib if (element.tag, name) in MORE]:
            del element.attrib[name]
    return tree


def check_our_schema(original, ours):
    """It must be the original but for the attributes of the rich dialect."""
    found = set()
    for element in ours.iter(f"{XSD}element"):
        for attribute in element.findall(f"{XSD}complexType/{XSD}attribute"):
            what = (element.get("name"), attribute.get("name"))
            if what in MORE:
                assert attribute.get("use") is None, what
                attribute.getparent().remove(attribute)
                found.add(what)
    assert found == MORE, f"schema/junit.xsd has only {found}"

    def plain(tree):
        for comment in tree.xpath("//comment()"):
            if comment.getparent() is not None:
                comment.getparent().remove(comment)
        text = etree.tostring(tree, method="c14n", with_comments=False).decode()
        return "".join(text.split())

    assert plain(ours) == plain(original), "schema/junit.xsd differs in more than these attributes"


def main(folder):
    original = original_schema()
    ours = etree.parse(str(ROOT / "schema/junit.xsd")).getroot()
    strict_schema, rich_schema = etree.XMLSchema(original), etree.XMLSchema(ours)
    check_our_schema(original, ours)
    rich_files = sorted(folder.glob("*.rich.xml"))
    strict_files = {path.name for path in folder.glob("*.strict.xml")}
    assert len(rich_files) >= PAIRS_MIN, f"only {len(rich_files)} files in {folder}"
    totals = collections.Counter()
    for rich in rich_files:
        strict = rich.with_name(rich.name.replace(".rich.xml", ".strict.xml"))
        strict_files.remove(strict.name)
        trees = {path: etree.parse(str(path)) for path in (rich, strict)}
        rich_schema.assertValid(trees[rich])
        strict_schema.assertValid(trees[strict])
        assert not strict_schema.validate(trees[rich]), f"{rich.name} is valid against the original"
        without = etree.tostring(without_more(trees[rich]))
        assert without == etree.tostring(trees[strict]), f"{strict.name}: not the rich one"
        seen = read(rich)
        assert read(strict) == seen, strict.name
        kinds = {"failures": seen.failures, "errors": seen.errors, "skipped": seen.skipped}
        totals.update(cases=len(seen.names), **kinds)
    assert not strict_files, f"without a rich one: {strict_files}"
    assert min(totals.values()) > 0, f"a kind never occurred: {totals}"
    print(f"{len(rich_files)} states in two dialects, three readers: {dict(totals)}; all agree")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
