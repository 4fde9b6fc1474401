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

#[test]
fn the_workflow_of_the_readme_uses_inputs_that_the_action_has() {
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    let (inputs, _) = action.split_once("\noutputs:").unwrap();
    let page = Page::read("README.md");
    let blocks = page.blocks();
    let workflows = blocks.iter().filter(|block| block.language == "yaml");
    let lines = workflows.flat_map(|block| &block.lines);
    let ours = lines.skip_while(|line| !line.contains("/plimsoll@")).skip(1);
    let given: Vec<&str> = ours
        .filter_map(|line| line.split_once("with: {")?.1.strip_suffix('}'))
        .flat_map(|inputs| inputs.split(','))
        .filter_map(|input| Some(input.split_once(':')?.0.trim()))
        .collect();
    assert!(!given.is_empty());
    for input in given {
        assert!(inputs.contains(&format!("\n  {input}: ")), "the action has no input `{input}`");
    }
}
