// What composite.mjs must do as the platform does it, shown with small actions.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { commands, keyValues } from "./file-commands.mjs";
import { Job, temporaryFolder } from "./job.mjs";

function write(steps, rest = "") {
  const file = path.join(temporaryFolder(), "action.yml");
  const text = `name: a\ndescription: a\n${rest}runs:\n  using: composite\n  steps:\n${steps}`;
  fs.writeFileSync(file, text);
  return file;
}

const script = (name, text, more = "") =>
  `    - name: ${name}\n      id: ${name}\n      shell: bash\n${more}      run: |\n        ${text}\n`;

test("file commands are read as the runner reads them", () => {
  assert.deepEqual(keyValues("a=b=c\nd<<E\n1\n\n=2\nE\n\ne=x<<y\nf=\ng<<E\nE\n"), {
    a: "b=c",
    d: "1\n\n=2",
    e: "x<<y",
    f: "",
    g: "",
  });
  for (const text of ["a<<E\nb\n", "a", "=b", "a<<\nb\n\n"])
    assert.throws(() => keyValues(text), /Invalid|Matching/);
});

test("workflow commands are recognised as the runner recognises them", () => {
  const stdout = " \t::error file=a,line=1::m::n\n| ::error::x\n::unended\na ##[group]b\n##[x";
  const found = commands({ stdout, stderr: "::add-mask::y" }).map(({ name, properties, message }) => [
    name,
    properties,
    message,
  ]);
  assert.deepEqual(found, [
    ["error", "file=a,line=1", "m::n"],
    ["group", "", "b"],
    ["add-mask", "", "y"],
  ]);
});

const WRITES = [
  'printf "one=1\\ntwo<<E\\na\\nb\\nE\\n" >> "$GITHUB_OUTPUT"',
  'echo KEPT=k >> "$GITHUB_ENV"',
  'echo "$PWD/bin" >> "$GITHUB_PATH"',
  'echo s >> "$GITHUB_STEP_SUMMARY"',
].join("; ");

test("outputs, environment, path and summary reach later steps", async () => {
  const steps = [
    script("first", WRITES),
    script(
      "second",
      'printf "%s|%s|%s|%s" "$TWO" "$KEPT" "${PATH%%:*}" "$(pwd)"',
      '      working-directory: sub\n      env: { TWO: "${{ steps.first.outputs.two }}${{ inputs.x }}" }\n',
    ),
  ];
  const inputs = "inputs:\n  x: { description: a, default: \"${{ github.event.number || 'none' }}\" }\n";
  const outputs =
    'outputs:\n  all: { description: a, value: "${{ steps.first.outputs.one }}${{ env.KEPT }}" }\n';
  const job = new Job({ github: { event: { number: 7 } } });
  fs.mkdirSync(path.join(job.workspace, "sub"));
  const run = await job.run(write(steps.join(""), inputs + outputs));
  assert.equal(run.code, 0);
  const { workspace } = job;
  assert.equal(run.named("second").stdout, `a\nb7|k|${workspace}/bin|${workspace}/sub`);
  assert.equal(run.named("first").summary, "s\n");
  assert.deepEqual(run.outputs, { all: "1k" });
  assert.ok(!("TWO" in run.named("first").environment));
});

test("after a failure only those steps run that ask for it", async () => {
  const steps = [
    script("forgiven", "exit 9", "      continue-on-error: true\n"),
    script("fails", "false; true"),
    script("usual", "true"),
    script("conditional", "true", "      if: ${{ steps.fails.outcome == 'failure' }}\n"),
    script("always", "true", "      if: always()\n"),
    script("failure", "exit 8", "      if: failure() && steps.forgiven.conclusion == 'success'\n"),
    script("uncancelled", "true", "      if: ${{ !cancelled() }}\n"),
    script("cancelled", "true", "      if: cancelled()\n"),
  ].join("");
  const run = await new Job().run(write(steps));
  assert.equal(run.code, 1, "of the first failure");
  assert.deepEqual(
    run.names((step) => step.ran),
    ["forgiven", "fails", "always", "failure", "uncancelled"],
  );
  const cancelled = await new Job().run(write(steps), {}, { cancelAfter: "forgiven" });
  assert.deepEqual(
    cancelled.names((step) => step.ran),
    ["forgiven", "always", "cancelled"],
  );
});

test("a broken file command, a pipe that fails and a missing folder fail the step", async () => {
  const steps = [
    ["", 'echo "a<<E" >> "$GITHUB_OUTPUT"'],
    ["", "false | true"],
    ["      working-directory: absent\n", "true"],
  ];
  for (const [more, text] of steps) {
    const run = await new Job().run(write(script("a", text, more)));
    assert.deepEqual(
      run.names((step) => step.conclusion === "failure"),
      ["a"],
      text,
    );
    assert.notEqual(run.code, 0);
  }
});

test("an action that is used is kept, and replaced where a function is given", async () => {
  const file = write(
    '    - name: a\n      id: a\n      uses: o/r/sub@v1\n      with: { x: "${{ github.run_id }}" }\n' +
      script("b", "true", "      if: steps.a.outputs.y == 'z'\n"),
  );
  const run = await new Job().run(file);
  assert.deepEqual([run.named("a").with, run.named("b").ran], [{ x: "77" }, false]);
  const replaced = await new Job().run(
    file,
    {},
    { actions: { "o/r/sub": ({ x }) => ({ y: x === "77" ? "z" : "" }) } },
  );
  assert.ok(replaced.named("b").ran);
});

test("what the platform lets pass in silence is an error", async () => {
  const refused = (file, inputs, words) => assert.rejects(async () => new Job().run(file, inputs), words);
  await refused(write(script("a", "true")), { b: "" }, /Unexpected input 'b'/);
  await refused(write(script("a", "true", "      if: steps.b.outputs.c == ''\n")), {}, /no steps.b/);
  const typo = '      env: { A: "${{ inputs.b }}" }\n';
  await refused(write(script("a", "true", typo)), {}, /no inputs.b/);
  await refused(write("    - run: true\n"), {}, /shell/);
  await refused(write(script("a", "true", "      if: secrets.x\n")), {}, /secrets/);
});
