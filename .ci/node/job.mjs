// A job as the platform sets one up: folders, contexts, environment, and the artifacts of its run.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { runAction } from "./composite.mjs";

const TAKEN_OVER = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR"];

const folders = [];
process.on("exit", () => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

/** A folder with spaces in its name, which is removed when the process ends. */
export function temporaryFolder() {
  folders.push(fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "plimsoll ci "))));
  return folders.at(-1);
}

/** What of the artifacts' store the actions use. Artifacts stand in `folder/RUN/NAME`. */
export function artifactActions(folder) {
  return {
    "actions/upload-artifact": (inputs, run) => upload(folder, inputs, run.contexts.github.run_id),
    "actions/download-artifact": (inputs) => download(folder, inputs),
  };
}

function upload(folder, inputs, run) {
  const to = path.join(folder, `${run}`, inputs.name);
  if (fs.existsSync(to)) throw new Error(`an artifact named ${inputs.name} exists`);
  const hidden = inputs["include-hidden-files"] === "true";
  const filter = (from) => hidden || !/(^|\/)\./.test(path.relative(inputs.path, from));
  fs.cpSync(inputs.path, to, { recursive: true, filter });
  if (fs.readdirSync(to).length === 0 && inputs["if-no-files-found"] === "error") {
    throw new Error(`no files at ${inputs.path}`);
  }
}

/** A single match stands in `path` itself, several each in a folder of its name; none is no error. */
function download(folder, inputs) {
  const from = path.join(folder, inputs["run-id"]);
  const names = fs.existsSync(from) ? fs.readdirSync(from) : [];
  const matching = names.filter((name) => path.matchesGlob(name, inputs.pattern));
  for (const name of matching) {
    const to = matching.length === 1 ? inputs.path : path.join(inputs.path, name);
    fs.cpSync(path.join(from, name), to, { recursive: true });
  }
}

export class Job {
  /** `github`: members of that context that differ from a pull request's; `environment`: further. */
  constructor({ github = {}, environment = {}, artifacts, workspace } = {}) {
    this.folder = temporaryFolder();
    this.workspace = workspace ?? this.subfolder("work space");
    this.temporary = this.subfolder("temporary");
    this.artifacts = artifacts ?? this.subfolder("artifacts");
    this.github = {
      token: "",
      event_name: "pull_request",
      event: {},
      repository: "o/r",
      repository_owner: "o",
      run_id: "77",
      run_attempt: "1",
      sha: "b".repeat(40),
      ref: "refs/pull/7/merge",
      actor: "octocat",
      job: "capacity",
      workflow: "capacity",
      server_url: "https://github.com",
      api_url: "http://127.0.0.1:9",
      workspace: this.workspace,
      ...github,
    };
    this.runner = { os: "Linux", arch: "X64", temp: this.temporary, environment: "github-hosted" };
    this.environment = { ...this.ofThePlatform(), ...environment };
  }

  subfolder(name) {
    const folder = path.join(this.folder, name);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** The contexts as variables. The token is none of them. */
  ofThePlatform() {
    const { event, token, ...texts } = this.github;
    const variables = { CI: "true", GITHUB_ACTIONS: "true", LANG: "C.UTF-8" };
    for (const name of TAKEN_OVER) if (process.env[name]) variables[name] = process.env[name];
    for (const [name, value] of Object.entries(texts)) variables[`GITHUB_${name.toUpperCase()}`] = value;
    for (const [name, value] of Object.entries(this.runner))
      variables[`RUNNER_${name.toUpperCase()}`] = value;
    variables.RUNNER_TOOL_CACHE = this.subfolder("tool cache");
    variables.GITHUB_EVENT_PATH = path.join(this.folder, "event.json");
    fs.writeFileSync(variables.GITHUB_EVENT_PATH, JSON.stringify(event));
    return variables;
  }

  /** Runs the action in this file. */
  run(file, inputs = {}, more = {}) {
    const { workspace, github, runner, environment } = this;
    const actions = artifactActions(this.artifacts);
    const temporary = this.subfolder("file commands");
    return runAction(file, { inputs, github, runner, environment, workspace, temporary, actions, ...more });
  }
}
