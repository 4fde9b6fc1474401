//! Examples are accepted by what reads them, and every key that they could have is described.

use crate::page::{Page, root};
use plimsoll::config::{Plan, json_schema};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads a suite as `plimsoll` would, in an environment in which every variable is set.
pub(crate) fn read(file: &Path, sets: &[String]) -> Result<Plan, String> {
    let text = fs::read_to_string(file).unwrap();
    plimsoll::config::read(file, &text, sets, &|_| Some("set".to_owned()))
        .map_err(|invalid| invalid.problems.render(&invalid.source_text, false))
}

/// `examples/*.yml`, `examples/*/plimsoll.yml`, and our own suite.
fn suites() -> Vec<PathBuf> {
    let mut suites = vec![root().join("plimsoll.yml")];
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            suites.push(path.join("plimsoll.yml"));
        } else if path.extension().is_some_and(|end| end == "yml") {
            suites.push(path);
        }
    }
    suites
}

#[test]
fn every_example_is_a_suite_that_plimsoll_accepts() {
    let suites = suites();
    assert!(suites.len() > 3, "{suites:?}");
    for suite in suites {
        if let Err(problems) = read(&suite, &[]) {
            panic!("{problems}");
        }
    }
}

/// Keys without a description, by their path; also counts all keys.
fn undescribed(schema: &Value, node: &Value, path: &str, keys: &mut usize) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(Value::Object(properties)) = node.get("properties") {
        for (key, property) in properties {
            *keys += 1;
            let is_described =
                |node: &Value| node["description"].as_str().is_some_and(|text| !text.is_empty());
            let reference = property["$ref"].as_str().and_then(|to| schema.pointer(&to[1..]));
            if !is_described(property) && !reference.is_some_and(is_described) {
                found.push(format!("{path}/{key}"));
            }
        }
    }
    match node {
        Value::Object(members) => members.iter().for_each(|(key, node)| {
            found.extend(undescribed(schema, node, &format!("{path}/{key}"), keys))
        }),
        Value::Array(items) => {
            items.iter().for_each(|node| found.extend(undescribed(schema, node, path, keys)));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

#[test]
fn every_key_of_a_suite_is_described_in_its_schema() {
    let schema = json_schema();
    let mut keys = 0;
    assert_eq!(undescribed(&schema, &schema, "", &mut keys), Vec::<String>::new());
    assert!(keys > 60, "only {keys} keys were looked at");
}

#[test]
fn a_key_without_a_description_is_found() {
    let schema = serde_json::json!({
        "properties": { "a": { "$ref": "#/$defs/A" }, "b": { "type": "string" } },
        "$defs": { "A": { "description": "A.", "oneOf": [{ "properties": { "c": {} } }] } },
    });
    assert_eq!(undescribed(&schema, &schema, "", &mut 0), ["/b", "/$defs/A/oneOf/c"]);
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Steps of ours in a workflow: which action, and the names of its inputs.
fn uses(workflow: &Value) -> Vec<(&'static str, Vec<String>)> {
    let jobs = workflow["jobs"].as_object().into_iter().flatten();
    let steps = jobs.flat_map(|(_, job)| job["steps"].as_array().into_iter().flatten());
    let ours = steps.filter_map(|step| {
        let action = match step["uses"].as_str()? {
            "OWNER/plimsoll@SHA" | "./" => "action.yml",
            "OWNER/plimsoll/publish@SHA" | "$/publish" => "publish/action.yml",
            _ => return None,
        };
        let inputs = step["with"].as_object().into_iter().flatten();
        Some((action, inputs.map(|(name, _)| name.clone()).collect()))
    });
    ours.collect()
}

#[test]
fn every_workflow_of_the_documentation_uses_inputs_that_the_actions_have() {
    let read = |path: &str| yaml(&fs::read_to_string(root().join(path)).unwrap());
    let mut workflows: Vec<Value> = ["capacity", "capacity-comment"]
        .map(|it| read(&format!(".github/workflows/{it}.yml")))
        .into();
    for page in Page::all() {
        let blocks = page.blocks();
        let yaml_blocks = blocks.iter().filter(|block| block.language == "yaml");
        let texts = yaml_blocks.map(|block| block.lines.join("\n"));
        workflows.extend(texts.filter(|text| text.contains("@SHA")).map(|text| yaml(&text)));
    }
    let used: Vec<_> = workflows.iter().flat_map(uses).collect();
    assert!(used.len() >= 6, "{used:?}");
    for (action, inputs) in used {
        let known = read(action);
        for input in inputs {
            assert!(known["inputs"].get(&input).is_some(), "{action} has no input `{input}`");
        }
    }
}
