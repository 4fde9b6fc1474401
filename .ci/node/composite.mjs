// Runs the steps of a composite action as the platform would: read by GitHub's own parser, evaluated
// by GitHub's own evaluator, each `run` by bash. What the platform only warns about, such as an input
// that the action does not have, is an error here.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { truthy } from "@actions/expressions/result";
import { isMapping, isSequence, NoOperationTraceWriter } from "@actions/workflow-parser";
import { parseAction } from "@actions/workflow-parser/actions/index";
import { convertToIfCondition } from "@actions/workflow-parser/model/converter/if-condition";
import { keyValues } from "./file-commands.mjs";

const FILE_COMMANDS = ["OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"];
const SUMMARY_BYTES_MAX = 1024 * 1024;
const STEP_SECONDS_MAX = 300;

/** A mistake in the action or in how it is used. It ends the run, where a step could only fail. */
class Mistake extends Error {}

/** An expression of the action, not yet evaluated. */
export class Expression {
  constructor(text) {
    this.text = text;
  }
}

/** The action as plain values with expressions in them; throws what the parser finds wrong. */
export function readAction(file) {
  const source = { name: path.basename(file), content: fs.readFileSync(file, "utf8") };
  const { context, value } = parseAction(source, new NoOperationTraceWriter());
  const action = value && plain(value, context);
  const errors = context.errors.getErrors().map(String);
  if (errors.length > 0) throw new Error(errors.join("\n"));
  if (action.runs.using !== "composite") throw new Error(`${file} is no composite action`);
  return action;
}

function plain(token, context) {
  if (isSequence(token)) return [...token].map((item) => plain(item, context));
  if (!isMapping(token)) return token.isExpression ? new Expression(token.expression) : token.value;
  return Object.fromEntries([...token].map(({ key, value }) => [`${key}`, member(`${key}`, value, context)]));
}

function member(key, value, context) {
  if (key !== "if") return plain(value, context);
  // The parser's own conversion adds `success()` to a condition without a status function.
  const condition = convertToIfCondition(context, value);
  return condition && new Expression(condition.expression);
}

/** Member access to what does not exist gives an empty string on the platform: a typo, so an error. */
function strict(dictionary, name) {
  dictionary.get = (key) => {
    const value = data.Dictionary.prototype.get.call(dictionary, key);
    if (value === undefined) throw new Mistake(`there is no ${name}.${key}`);
    return value;
  };
}

/**
 * One use of a composite action. `options`: `inputs`, the contexts `github` and `runner`, the job's
 * `environment`, `workspace`, `temporary` (for the files of the runner), `actions` (a function of
 * inputs and run for each action that a step may use) and `cancelAfter` (the name of a step).
 */
export class Run {
  constructor(file, options) {
    this.options = { inputs: {}, github: {}, runner: {}, actions: {}, ...options };
    this.action = readAction(file);
    this.steps = [];
    this.outputs = {};
    this.code = 0;
    this.isCancelled = false;
    this.environment = { ...options.environment };
    this.added = [];
    const github = { ...this.options.github, action_path: path.dirname(path.resolve(file)) };
    this.contexts = { github, runner: this.options.runner, inputs: {}, steps: {} };
    for (const { id } of this.action.runs.steps) {
      if (id) this.contexts.steps[id] = { outputs: {}, outcome: "", conclusion: "" };
    }
    this.setInputs();
  }

  setInputs() {
    const declared = this.action.inputs ?? {};
    for (const name of Object.keys(this.options.inputs)) {
      if (!(name in declared)) throw new Mistake(`Unexpected input '${name}'`);
    }
    const values = {};
    for (const [name, { default: usual, required }] of Object.entries(declared)) {
      const given = this.options.inputs[name];
      if (required && given === undefined) throw new Mistake(`the input ${name} is required`);
      values[name] = given ?? this.fill(usual);
    }
    this.contexts.inputs = values;
  }

  async all() {
    for (const step of this.action.runs.steps) {
      await this.step(step);
      if (this.fill(step.name) === this.options.cancelAfter) this.isCancelled = true;
    }
    for (const [name, { value }] of Object.entries(this.action.outputs ?? {})) {
      this.outputs[name] = this.fill(value);
    }
    return this;
  }

  /** The record of the step with this name. */
  named(name) {
    const found = this.steps.find((step) => step.name === name);
    if (!found) throw new Error(`there is no step ${name}`);
    return found;
  }

  names(test) {
    return this.steps.filter(test).map((step) => step.name);
  }

  async step(step) {
    const record = { name: this.fill(step.name), id: step.id, uses: step.uses, ran: false, code: 0 };
    Object.assign(record, { environment: {}, stdout: "", stderr: "", outputs: {}, summary: "" });
    this.steps.push(record);
    const condition = step.if ?? new Expression("success()");
    if (truthy(this.value(condition))) {
      record.ran = true;
      try {
        await (step.uses ? this.use(step, record) : this.bash(step, record));
      } catch (error) {
        if (error instanceof Mistake) throw error;
        record.code ||= 1;
        record.stderr += `::error::${error.message}\n`;
      }
    }
    this.conclude(step, record);
  }

  conclude(step, record) {
    record.outcome = !record.ran ? "skipped" : record.code === 0 ? "success" : "failure";
    const forgiven = this.fill(step["continue-on-error"] ?? false) === "true";
    record.conclusion = forgiven && record.ran ? "success" : record.outcome;
    if (record.conclusion === "failure") this.code ||= record.code;
    if (step.id) {
      const { outputs, outcome, conclusion } = record;
      this.contexts.steps[step.id] = { outputs, outcome, conclusion };
    }
  }

  async use(step, record) {
    record.with = {};
    for (const [name, value] of Object.entries(step.with ?? {})) record.with[name] = this.fill(value);
    const [action] = step.uses.split("@");
    record.outputs = (await this.options.actions[action]?.(record.with, this)) ?? {};
  }

  async bash(step, record) {
    if (step.shell !== "bash") throw new Mistake(`no shell ${step.shell} here`);
    const stem = path.join(this.options.temporary, `step-${this.steps.length}`);
    const files = {};
    for (const name of FILE_COMMANDS) {
      files[`GITHUB_${name}`] = `${stem}-${name}`;
      fs.writeFileSync(`${stem}-${name}`, "");
    }
    const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, this.fill(value)]);
    const basic = {
      GITHUB_ACTION_PATH: this.contexts.github.action_path,
      GITHUB_WORKSPACE: this.options.workspace,
    };
    record.environment = { ...basic, ...this.environment, ...files, ...Object.fromEntries(own) };
    record.environment.PATH = [...this.added, record.environment.PATH].join(":");
    fs.writeFileSync(`${stem}.sh`, this.fill(step.run));
    const folder = path.resolve(this.options.workspace, this.fill(step["working-directory"] ?? "."));
    Object.assign(record, await execute(`${stem}.sh`, folder, record.environment));
    this.readFiles(files, record);
  }

  readFiles(files, record) {
    const read = (name) => fs.readFileSync(files[`GITHUB_${name}`], "utf8");
    record.outputs = keyValues(read("OUTPUT"));
    Object.assign(this.environment, keyValues(read("ENV")));
    this.added.unshift(...read("PATH").split("\n").filter(Boolean).reverse());
    record.summary = read("STEP_SUMMARY");
    if (Buffer.byteLength(record.summary) > SUMMARY_BYTES_MAX) throw new Error("the summary is too long");
  }

  /** A text of the action with its expressions replaced by what they are now. */
  fill(text) {
    return text instanceof Expression ? this.value(text).coerceString() : `${text ?? ""}`;
  }

  value(expression) {
    const contexts = { ...this.contexts, env: this.environment };
    const failed = this.code !== 0;
    const status = { always: true, cancelled: this.isCancelled };
    status.success = !failed && !this.isCancelled;
    status.failure = failed && !this.isCancelled;
    const functions = new Map();
    for (const [name, is] of Object.entries(status)) {
      functions.set(name, { name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(is) });
    }
    const { tokens } = new Lexer(expression.text).lex();
    const parsed = new Parser(tokens, Object.keys(contexts), [...functions.values()]).parse();
    const values = JSON.parse(JSON.stringify(contexts), data.reviver);
    for (const name of ["inputs", "steps"]) strict(values.get(name), name);
    return new Evaluator(parsed, values, functions).evaluate();
  }
}

function execute(script, cwd, env) {
  return new Promise((resolve, reject) => {
    const options = { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] };
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", script], options);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8").on("data", (text) => (output[stream] += text));
    }
    const stop = setTimeout(() => process.kill(-child.pid, "SIGKILL"), STEP_SECONDS_MAX * 1000);
    child.on("error", reject).on("close", (code, signal) => {
      clearTimeout(stop);
      resolve({ ...output, code: code ?? 1, stderr: output.stderr + (signal ? `ended by ${signal}\n` : "") });
    });
  });
}

/** Runs every step of the action; a failure is in the record that is returned. */
export async function runAction(file, options) {
  return new Run(file, options).all();
}
