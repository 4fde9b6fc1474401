//! Links within the repository, and files that are named, must exist.

use crate::page::{Page, code, root};

/// The targets of the links of a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Whether a link leaves the repository, or stays on its page.
fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:") || target.starts_with('#')
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut followed = 0;
    for page in Page::all() {
        for (line, text) in page.prose() {
            for target in targets(text).filter(|target| !is_elsewhere(target)) {
                let file = target.split('#').next().unwrap();
                let is_there = page.folder().join(file).exists();
                assert!(is_there, "{}:{line}: there is no {target}", page.path);
                followed += 1;
            }
        }
    }
    assert!(followed > 10, "only {followed} links were followed");
}

#[test]
fn every_source_file_that_is_named_exists() {
    let mut named = 0;
    for page in Page::all() {
        for (line, text) in page.prose() {
            let ours = |path: &&str| {
                let first = path.split('/').next().unwrap();
                path.contains('/') && ["src", "tests", "schema", "templates"].contains(&first)
            };
            for path in code(text).filter(ours) {
                assert!(root().join(path).exists(), "{}:{line}: there is no {path}", page.path);
                named += 1;
            }
        }
    }
    assert!(named > 40, "only {named} files were looked up");
}

#[test]
fn links_are_told_apart() {
    let line = "[a](b/c.md#d) and [e](https://f) ([g](#h))";
    assert_eq!(targets(line).collect::<Vec<_>>(), ["b/c.md#d", "https://f", "#h"]);
    assert!(!is_elsewhere("b/c.md#d") && is_elsewhere("https://f") && is_elsewhere("#h"));
}
