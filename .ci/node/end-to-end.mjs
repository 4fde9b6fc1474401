// The actions with the real plimsoll, against a fake GitHub: PLIMSOLL_BINARY names the program, and
// PLIMSOLL_EXCHANGES, where it is set, a folder that gets every exchange for the judge.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test, { after, before } from "node:test";
import { FakeGitHub } from "./fake-github.mjs";
import { commands } from "./file-commands.mjs";
import { pull } from "./github-objects.mjs";
import { Job, temporaryFolder } from "./job.mjs";
import { untrustedParts } from "./rendered.mjs";

const ROOT = path.resolve(import.meta.dirname, "../..");
const ACTION = path.join(ROOT, "action.yml");
const PUBLISH = path.join(ROOT, "publish/action.yml");
assert.ok(process.env.PLIMSOLL_BINARY, "PLIMSOLL_BINARY must name the program");
const BINARY = path.resolve(process.env.PLIMSOLL_BINARY);
const EXCHANGES = process.env.PLIMSOLL_EXCHANGES;

const REPOSITORY = "o/r";
const AUTHOR = "github-actions[bot]";
const TOKENS = {
  "can-write": { login: AUTHOR, writes: true, isInstallation: true },
  "read-only": { login: AUTHOR, writes: false, isInstallation: true },
};
/** Texts of a change's author that must stay texts; each has the word in it. */
const WORD = "hostile";
const HOSTILE = [
  "::error::hostile",
  "  ::add-mask::hostile",
  "text ##[error]hostile",
  "<img src=hostile onerror=alert(1)>",
  "@hostile",
  "hostile/hello#1",
  "[hostile](https://example.com)",
  "```hostile",
  "a|hostile `c`",
  "<!-- hostile -->",
  "</details>hostile",
  "http://example.com/hostile",
];
const MARKER = /^<!-- plimsoll:1 key=demo run=(\d+) attempt=(\d+) head=([0-9a-f]{12,}) -->$/;

let github;
let address;
before(async () => {
  if (EXCHANGES) {
    fs.rmSync(EXCHANGES, { recursive: true, force: true });
    fs.mkdirSync(EXCHANGES, { recursive: true });
  }
});
after(() => github?.stop());

/** A fresh GitHub for a scenario. */
async function freshGitHub(scenario) {
  github?.stop();
  github = new FakeGitHub({ repository: REPOSITORY, tokens: TOKENS });
  address = await github.start();
  if (EXCHANGES) github.record(path.join(EXCHANGES, "end-to-end.jsonl"), `end to end: ${scenario}`);
}

// --- what is checked out -------------------------------------------------------------------------

const suiteOfTheDemo = () => fs.readFileSync(path.join(ROOT, "plimsoll.yml"), "utf8");
const slower = (suite) => suite.replace("    profile: llm\n", "    profile: llm\n    slowdown: 1.25\n");

function git(folder, ...words) {
  const names = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  return execFileSync("git", [...names, ...words], { cwd: folder, env, encoding: "utf8" }).trim();
}

/** The merge of a change into main, as it is checked out for a pull request, in the job's workspace. */
function checkOut(folder, { suite = suiteOfTheDemo(), baseline = true } = {}) {
  const write = (name, text) => fs.writeFileSync(path.join(folder, name), text);
  const commit = (message) => {
    git(folder, "add", "--all");
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message);
    return git(folder, "rev-parse", "HEAD");
  };
  git(folder, "init", "--quiet");
  write("README.md", "a\n");
  write(".gitignore", ".plimsoll/\n");
  write("plimsoll.yml", suiteOfTheDemo());
  if (baseline) fs.cpSync(path.join(ROOT, "baselines"), path.join(folder, "baselines"), { recursive: true });
  const base = commit("base");
  git(folder, "checkout", "--quiet", "-b", "change");
  write("plimsoll.yml", suite);
  const head = commit(`change ${suite.length}`);
  git(folder, "checkout", "--quiet", "--detach", base);
  git(folder, "merge", "--quiet", "--no-ff", "--message", "merge", head);
  return { base, head, merge: git(folder, "rev-parse", "HEAD") };
}

const repository = (id, fullName) => {
  const [login, name] = fullName.split("/");
  return { id, name, full_name: fullName, owner: { login, id } };
};

function pullRequestEvent(commits, from) {
  const side = (sha, ref, repo) => ({
    sha,
    ref,
    repo,
    user: repo.owner,
    label: `${repo.owner.login}:${ref}`,
  });
  const here = repository(1, REPOSITORY);
  const pullRequest = {
    number: 7,
    state: "open",
    head: side(commits.head, "change", from),
    base: side(commits.base, "main", here),
  };
  return { action: "synchronize", number: 7, pull_request: pullRequest, repository: here };
}

/** One use of the action for a change, and what is known about it. */
async function measure({
  run = "77",
  token = "can-write",
  from = repository(1, REPOSITORY),
  inputs = {},
  event,
  suite,
  baseline,
} = {}) {
  const workspace = temporaryFolder();
  const commits = checkOut(workspace, { suite, baseline });
  const of = { fork: from.full_name, forkId: from.id, sha: commits.head, branch: "change" };
  github.pulls = [pull({ repository: REPOSITORY, ...of })];
  const context = {
    event_name: "pull_request",
    event: pullRequestEvent(commits, from),
    run_id: run,
    sha: commits.merge,
    token,
    api_url: address,
    ...event,
  };
  const job = new Job({ github: context, workspace });
  const before = github.requests.length;
  const done = await job.run(ACTION, { binary: BINARY, ...inputs });
  return { done, job, commits, requests: github.requests.slice(before) };
}

// --- what must hold of every use -----------------------------------------------------------------

function holds({ done }, code, symbol) {
  const log = done.steps.map(({ name, stdout, stderr }) => `--- ${name}\n${stdout}${stderr}`).join("\n");
  assert.equal(done.code, code, log);
  assert.deepEqual(
    done.names((step) => step.conclusion === "failure"),
    code === 0 ? [] : ["Verdict"],
    log,
  );
  for (const name of ["verdict", "exit-code", "headline", "results", "junit", "binary"]) {
    assert.notEqual(done.outputs[name], "", `the output ${name}`);
  }
  for (const name of ["results", "junit", "binary"]) {
    assert.ok(path.isAbsolute(done.outputs[name]) && fs.existsSync(done.outputs[name]), name);
  }
  assert.equal(done.outputs["exit-code"], `${code}`);
  assert.ok(!done.outputs.headline.includes("\n"));
  assert.ok(done.named("Measure").summary.startsWith(`### ${symbol}`), done.named("Measure").summary);
  for (const step of done.steps) {
    assert.ok(
      !`${step.stdout}${step.stderr}${step.summary}`.includes("can-write"),
      `${step.name} shows the token`,
    );
  }
}

function commentIs(comment, { done, commits }, symbol, run) {
  const [first, second] = comment.body.split("\n");
  const [, id, attempt, head] = MARKER.exec(first) ?? assert.fail(first);
  assert.deepEqual([id, attempt], [run, "1"]);
  assert.ok(commits.head.startsWith(head), `${head} is not the head ${commits.head}`);
  assert.ok(second.startsWith(`### ${symbol}`), second);
  assert.deepEqual(untrustedParts(comment.body, WORD), []);
  if (done) assert.equal(done.outputs["comment-url"], comment.html_url);
}

const writes = (requests) => requests.filter(({ method }) => method !== "GET").map(({ method }) => method);
const noticesOf = (step) => commands(step).filter(({ name }) => name === "notice");

/** Commands of the input's making. One of ours may quote the input behind its second `::`. */
function hostileCommands(step) {
  const ours = (found) => found.line.startsWith("::") && /title=plimsoll|file=/.test(found.properties);
  return commands(step)
    .filter((found) => found.line.includes(WORD) && !ours(found))
    .map(({ line }) => line);
}

// --- scenarios -----------------------------------------------------------------------------------

test("green, then red: one comment, which is edited", async () => {
  await freshGitHub("green, then red");
  const green = await measure();
  holds(green, 0, "✅");
  assert.deepEqual(writes(green.requests), ["POST"]);
  assert.equal(github.comments.length, 1);
  commentIs(github.comments[0], green, "✅", "77");
  const { id } = github.comments[0];

  const red = await measure({ run: "78", suite: slower(suiteOfTheDemo()) });
  holds(red, 1, "❌");
  assert.deepEqual(writes(red.requests), ["PATCH"]);
  assert.deepEqual(
    github.comments.map((comment) => comment.id),
    [id],
  );
  commentIs(github.comments[0], red, "❌", "78");
});

test("a fork: first without, then with a token that may write", async () => {
  await freshGitHub("a fork");
  const fork = repository(2, "f/r");
  const first = await measure({ token: "read-only", from: fork });
  holds(first, 0, "✅");
  assert.deepEqual(github.comments, []);
  assert.equal(first.done.outputs["comment-url"], "");
  assert.equal(noticesOf(first.done.named("Publish")).length, 1);

  const workflowRun = {
    id: 77,
    run_attempt: 1,
    path: ".github/workflows/capacity.yml",
    event: "pull_request",
    conclusion: "success",
    head_sha: first.commits.head,
    head_branch: "change",
    head_repository: fork,
    pull_requests: [],
  };
  const event = { action: "completed", workflow_run: workflowRun, repository: repository(1, REPOSITORY) };
  const context = {
    event_name: "workflow_run",
    event,
    run_id: "90",
    sha: first.commits.base,
    api_url: address,
  };
  const job = new Job({ github: { ...context, token: "can-write" }, artifacts: first.job.artifacts });
  const second = await job.run(PUBLISH, { binary: BINARY });
  const log = second.steps.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  assert.equal(second.code, 0, log);
  assert.equal(second.outputs.verdict, "pass");
  assert.equal(github.comments.length, 1, log);
  commentIs(github.comments[0], { commits: first.commits, done: second }, "✅", "77");
});

test("no baseline yet", async () => {
  await freshGitHub("no baseline");
  const run = await measure({ baseline: false, inputs: { budget: "30s" } });
  holds(run, 5, "🆕");
  assert.equal(github.comments.length, 1);
  commentIs(github.comments[0], run, "🆕", "77");
});

/** A target that says hostile things and ends, and a suite whose free texts are hostile too. */
function hostileSuite() {
  const target = [
    "target:",
    `  model: ${JSON.stringify(HOSTILE.join(" "))}`,
    "  command:",
    ...["bash", "-c", 'shift; printf "%s\\n" "$@"; exit 3', "{port}", "a", ...HOSTILE].map(
      (word) => `    - ${JSON.stringify(word)}`,
    ),
  ];
  return suiteOfTheDemo().replace(/target:\n[^]*?\n(?=# The load)/, () => `${target.join("\n")}\n\n`);
}

test("what is not inside of code is noticed", () => {
  for (const text of HOSTILE) {
    assert.notDeepEqual(untrustedParts(`<!-- a -->\n### b\n\n${text}\n`, WORD), [], text);
    assert.deepEqual(untrustedParts(`<!-- a -->\n### b\n\n\`\`\`\`\n${text}\n\`\`\`\`\n`, WORD), [], text);
  }
});

test("hostile texts of the target and of the suite stay texts", async () => {
  await freshGitHub("hostile texts");
  const run = await measure({ suite: hostileSuite(), inputs: { against: "none" } });
  holds(run, 4, "💥");
  assert.match(run.done.named("Measure").summary, /hostile/, "the target's last lines are shown");
  for (const step of run.done.steps) {
    assert.deepEqual(hostileCommands(step), [], step.name);
    assert.deepEqual(untrustedParts(step.summary, WORD), []);
  }
  commentIs(github.comments[0], run, "💥", "77");
});

test("hostile names are refused, and do no harm in the message", async () => {
  await freshGitHub("hostile names");
  for (const text of [...HOSTILE, "a\n::error::hostile"]) {
    for (const from of [/^suite: demo$/m, /^ {2}chat-rate:$/m]) {
      const name = JSON.stringify(text);
      const suite = suiteOfTheDemo().replace(from, (line) =>
        line.startsWith("suite") ? `suite: ${name}` : `  ${name}:`,
      );
      const { done } = await measure({ suite, inputs: { against: "none" } });
      assert.equal(done.code, 2);
      for (const step of done.steps) {
        assert.deepEqual(hostileCommands(step), [], step.name);
      }
    }
  }
  assert.deepEqual(github.comments, []);
});

test("without a token nothing is requested", async () => {
  await freshGitHub("no token");
  const run = await measure({ inputs: { "github-token": "" } });
  holds(run, 0, "✅");
  assert.deepEqual(run.requests, []);
});

test("a push has no pull request, and nothing is requested", async () => {
  await freshGitHub("a push");
  const event = {
    event_name: "push",
    event: { before: "0".repeat(40), ref: "refs/heads/main" },
    ref: "refs/heads/main",
  };
  const run = await measure({ event });
  holds(run, 0, "✅");
  assert.deepEqual(run.requests, []);
});
