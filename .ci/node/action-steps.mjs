// Runs the steps of action.yml and publish/action.yml with a stand-in for plimsoll. The checks take
// the tree that holds the actions, so that the last tests can show that they refuse a broken one.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { Expression, readAction } from "./composite.mjs";
import { commands } from "./file-commands.mjs";
import { Job, temporaryFolder } from "./job.mjs";

const ROOT = path.resolve(import.meta.dirname, "../..");
const TOKEN = "token-of-the-job";
const HOSTILE = "a b\";$(touch x)`touch x`${PATH}'&|>x\n::error::x";
const FAILED = (step) => step.conclusion === "failure";
const RAN = (step) => step.ran;

const mainAction = (tree) => path.join(tree, "action.yml");
const publishAction = (tree) => path.join(tree, "publish/action.yml");

/** A job with the stand-in in its workspace. */
class StandInJob extends Job {
  constructor({ says = {}, ...options } = {}) {
    super({ ...options, github: { token: TOKEN, ...options.github } });
    this.seen = this.subfolder("seen");
    Object.assign(this.environment, { STAND_IN_SEEN: this.seen, ...says });
    this.binary = path.join(this.workspace, "stand-in");
    fs.copyFileSync(path.join(import.meta.dirname, "stand-in.sh"), this.binary);
    fs.chmodSync(this.binary, 0o755);
  }

  run(file, inputs = {}, more = {}) {
    return super.run(file, { binary: this.binary, ...inputs }, more);
  }

  /** What the stand-in kept: `environment`, `arguments` or `files` of a verb; null if not called. */
  kept(verb, what) {
    const file = path.join(this.seen, `${verb}.${what}`);
    if (!fs.existsSync(file)) return null;
    const parts = fs
      .readFileSync(file, "utf8")
      .split(what === "files" ? "\n" : "\0")
      .slice(0, -1);
    if (what !== "environment") return what === "files" ? parts.sort() : parts;
    return Object.fromEntries(parts.map((part) => /^(.*?)=(.*)$/s.exec(part).slice(1)));
  }

  /** A saved run, and the outputs that name it. */
  measured({ verdict = "pass", gate = "0", raw = gate } = {}) {
    const run = this.subfolder("work space/.plimsoll/runs/1");
    fs.writeFileSync(path.join(run, "results.json"), "{}");
    const outputs = { verdict, run, "exit-code": raw, "gate-exit-code": gate, headline: "Capacity holds" };
    for (const name of ["results.json", "junit.xml"]) outputs[name.split(".")[0]] = path.join(run, name);
    return Object.entries(outputs)
      .map(([name, value]) => `${name}<<end\n${value}\nend\n`)
      .join("");
  }

  filesNamed(name) {
    return fs.readdirSync(this.folder, { recursive: true }).filter((file) => path.basename(file) === name);
  }
}

/** A job in which plimsoll measures and says this. */
function measuring(what = {}, { leaves = what.gate ?? "0", ...options } = {}) {
  const job = new StandInJob(options);
  Object.assign(job.environment, { STAND_IN_OUTPUTS: job.measured(what), STAND_IN_LEAVES: leaves });
  return job;
}

// --- the main action -----------------------------------------------------------------------------

const VERDICTS = [
  // verdict, exit code before and after fail-on, how plimsoll leaves; how the action ends
  [{ verdict: "pass", gate: "0" }, "0", 0],
  [{ verdict: "regression", gate: "1" }, "1", 1],
  [{ verdict: "inconclusive", gate: "3" }, "3", 3],
  [{ verdict: "invalid", gate: "6" }, "6", 6],
  [{ verdict: "error", gate: "4" }, "4", 4],
  [{ verdict: "new", gate: "5" }, "5", 5],
  [{ verdict: "skipped", gate: "0" }, "0", 0],
  [{ verdict: "regression", gate: "0", raw: "1" }, "0", 0], // hidden by fail-on
  [null, "2", 2], // a usage error before there was a verdict
  [null, "SIGKILL", 137],
  [null, "0", 2], // no verdict is never green
  [{ verdict: "pass", gate: "0", raw: "" }, "139", 139], // died after it wrote its verdict
  [{ verdict: "pass", gate: "256", raw: "" }, "0", 2], // 256 would wrap to 0
  [{ verdict: "pass", gate: "none", raw: "" }, "0", 2],
];

async function verdicts(tree) {
  for (const [what, leaves, expected] of VERDICTS) {
    const job = what ? measuring(what, { leaves }) : new StandInJob({ says: { STAND_IN_LEAVES: leaves } });
    const run = await job.run(mainAction(tree));
    const row = `${JSON.stringify(what)}, ${leaves}`;
    assert.equal(run.code, expected, row);
    // A failure is shown once: by the last step.
    assert.deepEqual(run.names(FAILED), expected === 0 ? [] : ["Verdict"], row);
    for (const name of ["Publish", "Upload the run"]) assert.equal(run.named(name).ran, what !== null, row);
    assert.equal(run.outputs.verdict, what?.verdict ?? "", row);
    const seen = leaves.startsWith("SIG") ? `${expected}` : leaves;
    assert.equal(run.outputs["exit-code"], (what?.raw ?? what?.gate) || seen, row);
  }
}

async function hostileInputs(tree) {
  const job = measuring();
  const inputs = { config: HOSTILE, only: "one two", "fail-on": "regression", "comment-key": HOSTILE };
  Object.assign(inputs, {
    against: HOSTILE,
    budget: "",
    "skip-if-unchanged": HOSTILE,
    artifact: "a",
    comment: HOSTILE,
  });
  const run = await job.run(mainAction(tree), inputs);
  assert.equal(run.code, 0);
  const measure = job.kept("check", "environment");
  for (const name of ["CONFIG", "ONLY", "AGAINST", "BUDGET", "FAIL_ON", "SKIP_IF_UNCHANGED"]) {
    assert.equal(measure[`PLIMSOLL_${name}`], inputs[name.toLowerCase().replaceAll("_", "-")], name);
  }
  const publish = job.kept("publish", "environment");
  assert.equal(publish.PLIMSOLL_COMMENT, HOSTILE);
  assert.equal(publish.PLIMSOLL_COMMENT_KEY, HOSTILE);
  assert.equal(publish.PLIMSOLL_ARTIFACT, "a");
  assert.deepEqual(job.kept("check", "arguments"), ["check", "--ci", "github"]);
  const saved = run.named("Measure").outputs.run;
  assert.deepEqual(job.kept("publish", "arguments"), ["publish", saved, "--to", "github"]);
  assert.deepEqual(job.filesNamed("x"), [], "an input was executed");
  for (const step of run.steps) assert.deepEqual(commands(step), [], "an input became a command");
  await assert.rejects(async () => job.run(mainAction(tree), { unknown: "x" }), /Unexpected input/);
}

async function tokenOnlyInPublish(tree) {
  const job = measuring();
  const run = await job.run(mainAction(tree));
  const holds = (what) => JSON.stringify(what ?? {}).includes(TOKEN);
  for (const step of run.steps.filter((step) => step.name !== "Publish")) {
    assert.ok(!holds([step.environment, step.with, step.stdout]), `${step.name} sees the token`);
  }
  assert.ok(!holds(job.kept("check", "environment")), "the measuring plimsoll sees the token");
  assert.equal(job.kept("publish", "environment").PLIMSOLL_GITHUB_TOKEN, TOKEN);
  const none = measuring();
  await none.run(mainAction(tree), { "github-token": "" });
  assert.ok(!holds(none.kept("publish", "environment")));
}

async function failingPublish(tree) {
  for (const [what, leaves] of [
    [{ verdict: "pass" }, "0"],
    [{ verdict: "regression", gate: "1" }, "1"],
  ]) {
    const job = measuring(what, { leaves, says: { STAND_IN_PUBLISH_LEAVES: "1" } });
    const run = await job.run(mainAction(tree));
    assert.equal(run.code, Number(leaves));
    assert.equal(run.outputs.verdict, what.verdict);
    assert.equal(run.outputs["exit-code"], leaves);
    assert.ok(!run.names(FAILED).includes("Publish"));
    assert.deepEqual(
      commands(run.named("Publish")).map(({ name }) => name),
      ["warning"],
    );
  }
}

async function everyOutput(tree) {
  const url = "https://github.com/o/r/pull/7#issuecomment-1";
  const job = measuring({}, { says: { STAND_IN_PUBLISHED: `comment-url=${url}\n` } });
  const run = await job.run(mainAction(tree));
  const folder = path.join(job.workspace, ".plimsoll/runs/1");
  assert.deepEqual(run.outputs, {
    verdict: "pass",
    "exit-code": "0",
    headline: "Capacity holds",
    results: `${folder}/results.json`,
    junit: `${folder}/junit.xml`,
    "comment-url": url,
    binary: job.binary,
  });
}

async function onlyPlimsollIsInstalled(tree) {
  for (const [inputs, says] of [[{ binary: "/bin/true" }], [{ binary: "absent" }], [{}, "other 1.0"]]) {
    const job = measuring({}, { says: says ? { STAND_IN_SAYS: says } : {} });
    const run = await job.run(mainAction(tree), inputs);
    assert.equal(run.code, 2);
    assert.equal(job.kept("check", "arguments"), null);
    assert.ok(!run.named("Measure").ran && !run.named("Publish").ran);
  }
  assert.equal((await measuring().run(mainAction(tree), { binary: "./stand-in" })).code, 0);
}

async function cancelled(tree) {
  const run = await measuring().run(mainAction(tree), {}, { cancelAfter: "Measure" });
  const after = run.steps.slice(run.steps.findIndex((step) => step.name === "Measure") + 1);
  assert.deepEqual(after.filter(RAN), []);
}

// --- the publish action --------------------------------------------------------------------------

const WORKFLOW_RUN = { event_name: "workflow_run", event: { workflow_run: { id: 12345678901 } } };

async function publishDefaults(tree) {
  for (const [github, id, failOn] of [
    [WORKFLOW_RUN, "12345678901", "none"],
    [{}, "77", ""],
    [{ event_name: "push" }, "77", ""],
  ]) {
    const job = new StandInJob({ github });
    const run = await job.run(publishAction(tree));
    assert.equal(run.named("Download the runs").with["run-id"], id);
    const seen = job.kept("publish", "environment");
    assert.equal(seen.PLIMSOLL_FAIL_ON, failOn);
    assert.equal(seen.PLIMSOLL_WORKFLOW, ".github/workflows/capacity.yml");
    assert.equal(seen.PLIMSOLL_COMMENT_AUTHOR, "github-actions[bot]");
    assert.equal(seen.PLIMSOLL_RUNS, run.named("Download the runs").with.path);
    assert.ok(seen.PLIMSOLL_RUNS.startsWith(job.temporary));
  }
}

async function publishHostileInputs(tree) {
  const job = new StandInJob();
  const names = ["workflow", "expect", "fail-on", "comment", "comment-key", "comment-author", "github-token"];
  const run = await job.run(publishAction(tree), Object.fromEntries(names.map((name) => [name, HOSTILE])));
  assert.equal(run.code, 0);
  for (const name of names) {
    const variable = `PLIMSOLL_${name.toUpperCase().replaceAll("-", "_")}`;
    assert.equal(job.kept("publish", "environment")[variable], HOSTILE, name);
  }
  const runs = path.join(job.temporary, "plimsoll-runs");
  assert.deepEqual(job.kept("publish", "arguments"), ["publish", "--runs", runs, "--to", "github"]);
  const [install] = run.steps;
  assert.ok(!JSON.stringify(install.environment).includes("touch"), "installing sees what it does not need");
  assert.deepEqual(job.filesNamed("x"), [], "an input was executed");
  for (const step of run.steps) assert.deepEqual(commands(step), [], "an input became a command");
}

async function publishEndsAsPlimsollDoes(tree) {
  for (const leaves of ["0", "1", "2", "5"]) {
    const says = { STAND_IN_PUBLISH_LEAVES: leaves, STAND_IN_PUBLISHED: "verdict=new\ncomment-url=u\n" };
    const run = await new StandInJob({ says }).run(publishAction(tree));
    assert.equal(run.code, Number(leaves));
    assert.deepEqual(run.outputs, { verdict: "new", "comment-url": "u" });
  }
  const absent = await new StandInJob().run(publishAction(tree), { binary: "absent" });
  assert.ok(absent.code === 2 && !absent.named("Publish").ran);
  const fails = { actions: { "actions/download-artifact": () => assert.fail("gone") } };
  const gone = await new StandInJob().run(publishAction(tree), {}, fails);
  assert.ok(gone.code !== 0 && !gone.named("Publish").ran);
}

/** One artifact is unpacked as it is, several each below its name; `.plimsoll` is a hidden folder. */
async function runsReachPublish(tree) {
  const first = measuring();
  await first.run(mainAction(tree), { artifact: "plimsoll-a" });
  const publish = new StandInJob({ artifacts: first.artifacts });
  await publish.run(publishAction(tree), { artifact: "plimsoll-*" });
  assert.deepEqual(publish.kept("publish", "files"), ["./results.json"]);
  await measuring({}, { artifacts: first.artifacts }).run(mainAction(tree), { artifact: "plimsoll-b" });
  const both = new StandInJob({ artifacts: first.artifacts });
  await both.run(publishAction(tree), { artifact: "plimsoll-*" });
  const files = ["./plimsoll-a/results.json", "./plimsoll-b/results.json"];
  assert.deepEqual(both.kept("publish", "files"), files);
}

// --- both ----------------------------------------------------------------------------------------

/** Inputs reach a script only through its environment, and only pinned actions are used. */
function wellFormed(tree) {
  for (const file of [mainAction(tree), publishAction(tree)]) {
    const steps = readAction(file).runs.steps;
    for (const { name, run } of steps) {
      assert.ok(!(run instanceof Expression), `${name}: an expression inside run`);
    }
    const uses = steps.filter((step) => step.uses).map((step) => step.uses);
    assert.ok(uses.length > 0);
    for (const name of uses) assert.match(name, /^[\w./-]+@[0-9a-f]{40}$/);
  }
}

const CHECKS = {
  verdicts,
  hostileInputs,
  tokenOnlyInPublish,
  failingPublish,
  everyOutput,
  onlyPlimsollIsInstalled,
  cancelled,
  publishDefaults,
  publishHostileInputs,
  publishEndsAsPlimsollDoes,
  runsReachPublish,
  wellFormed,
};
for (const [name, check] of Object.entries(CHECKS)) test(name, () => check(ROOT));

test("without a name no artifact", async () => {
  const run = await measuring().run(mainAction(ROOT), { artifact: "" });
  assert.equal(run.code, 0);
  assert.deepEqual(
    run.names((step) => step.uses && step.ran),
    [],
  );
});

test("without a binary the source is built once", async () => {
  const tree = path.join(temporaryFolder(), "action tree");
  const write = (name, text) => fs.writeFileSync(path.join(tree, name), text);
  fs.mkdirSync(path.join(tree, "src"), { recursive: true });
  for (const name of ["scripts", "action.yml"])
    fs.cpSync(path.join(ROOT, name), path.join(tree, name), { recursive: true });
  const named = 'name = "plimsoll"\nversion = "0.0.1"\n';
  write("Cargo.toml", `[package]\n${named}edition = "2024"\n`);
  write("Cargo.lock", `version = 4\n\n[[package]]\n${named}`);
  write("src/main.rs", 'fn main() { println!("plimsoll 0.0.1") }');
  const job = new StandInJob();
  const run = () => job.run(mainAction(tree), { binary: "", artifact: "" });
  const used = (run) => run.names((step) => step.uses && step.ran);
  const first = await run();
  assert.equal(first.named("Install plimsoll").outputs.built, "true");
  assert.deepEqual(used(first), ["Restore the build", "Save the build"]);
  assert.equal(first.code, 2, "the tiny program writes no verdict");
  const again = await run();
  const key = ({ steps: [identify] }) => identify.outputs.key;
  assert.deepEqual(again.named("Install plimsoll").outputs, { path: `${job.temporary}/plimsoll/plimsoll` });
  assert.deepEqual(used(again), ["Restore the build"]);
  assert.ok(key(first) && key(again) === key(first));
  assert.deepEqual(again.named("Restore the build").with, {
    path: `${job.temporary}/plimsoll`,
    key: key(first),
  });
  write("src/main.rs", "fn main() {}");
  assert.notEqual(key(await run()), key(first));
});

const BREAKAGES = [
  // what is broken, where, how; the checks that must refuse it
  [
    "the token is moved into Measure",
    "action.yml",
    "        PLIMSOLL_COMMAND: ",
    "        PLIMSOLL_GITHUB_TOKEN: ${{ inputs.github-token }}\n        PLIMSOLL_COMMAND: ",
    ["tokenOnlyInPublish"],
  ],
  [
    "an input is pasted into a script",
    "action.yml",
    '"$PLIMSOLL_COMMAND" --ci github',
    '"$PLIMSOLL_COMMAND" --ci ${{ inputs.config }}',
    ["hostileInputs", "wellFormed"],
  ],
  [
    "an input is pasted into the script of publish",
    "publish/action.yml",
    '--runs "$PLIMSOLL_RUNS"',
    '--runs "$PLIMSOLL_RUNS" ${{ inputs.expect }}',
    ["publishHostileInputs", "wellFormed"],
  ],
  [
    "a comment that fails makes the step fail",
    "action.yml",
    / \\\n +\|\| echo "::warning.*"/,
    "",
    ["failingPublish"],
  ],
  [
    "publish runs without a run",
    "action.yml",
    "${{ !cancelled() && steps.measure.outputs.run != '' }}",
    "${{ !cancelled() }}",
    ["verdicts"],
  ],
  [
    "a cancelled job publishes",
    "action.yml",
    "${{ !cancelled() && steps.measure.outputs.run != '' }}",
    "${{ always() && steps.measure.outputs.run != '' }}",
    ["cancelled"],
  ],
  ["measuring fails by itself", "action.yml", " || code=$?", "", ["verdicts"]],
  [
    "what the shell saw is not asked",
    "action.yml",
    "PLIMSOLL_EXIT: ${{ steps.measure.outputs.left-with }}",
    'PLIMSOLL_EXIT: ""',
    ["verdicts"],
  ],
  [
    "publish swallows the verdict",
    "publish/action.yml",
    "--to github'",
    "--to github || true'",
    ["publishEndsAsPlimsollDoes"],
  ],
  [
    "a workflow_run fails for what already failed",
    "publish/action.yml",
    "'none' || ''",
    "'' || ''",
    ["publishDefaults"],
  ],
];

for (const [what, file, from, to, checks] of BREAKAGES) {
  test(`noticed: ${what}`, async () => {
    const tree = temporaryFolder();
    for (const name of ["action.yml", "publish", "scripts"]) {
      fs.cpSync(path.join(ROOT, name), path.join(tree, name), { recursive: true });
    }
    const broken = path.join(tree, file);
    const before = fs.readFileSync(broken, "utf8");
    const after = before.replace(from, () => to);
    assert.notEqual(after, before, "nothing was broken");
    fs.writeFileSync(broken, after);
    for (const name of checks) {
      await assert.rejects(async () => CHECKS[name](tree), { name: "AssertionError" }, name);
    }
  });
}
