//! The pages of the documentation, and their parts.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Markdown file: its path from the root, and its text.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// Line of its fence, from 1.
    pub(crate) line: usize,
    pub(crate) language: &'a str,
    pub(crate) lines: Vec<&'a str>,
}

impl Page {
    /// The page at this path from the root.
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap();
        Self { path: path.to_owned(), text }
    }

    /// Every page, `docs/` with all its folders included.
    pub(crate) fn all() -> Vec<Self> {
        let mut paths = vec![root().join("docs")];
        let mut pages = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(Self::read).to_vec();
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|end| end == "md") {
                pages.push(Self::read(path.strip_prefix(root()).unwrap().to_str().unwrap()));
            }
        }
        pages
    }

    /// The folder that its links start from.
    pub(crate) fn folder(&self) -> PathBuf {
        root().join(Path::new(&self.path).parent().unwrap())
    }

    /// Its fenced blocks.
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (at, line) in self.text.lines().enumerate() {
            match (line.strip_prefix("```"), open.as_mut()) {
                (Some(language), None) => {
                    open = Some(Block { line: at + 1, language, lines: Vec::new() });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.lines.push(line),
                (None, None) => {}
            }
        }
        assert_eq!(open, None, "{}: a block is never closed", self.path);
        blocks
    }

    /// Its text outside fenced blocks.
    pub(crate) fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut inside = false;
        self.text.lines().enumerate().filter_map(move |(at, line)| {
            let is_fence = line.starts_with("```");
            inside ^= is_fence;
            (!inside && !is_fence).then_some((at + 1, line))
        })
    }

    /// The rows of the first table below this heading, without head and rule; at least one.
    pub(crate) fn table(&self, heading: &str) -> Vec<Vec<&str>> {
        let rows: Vec<Vec<&str>> = self
            .prose()
            .map(|(_, line)| line)
            .skip_while(|line| *line != heading)
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .skip(2)
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        assert!(!rows.is_empty(), "{}: no table below `{heading}`", self.path);
        rows
    }
}

/// What stands between backticks in a line.
pub(crate) fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn blocks_prose_and_tables_are_told_apart() {
    let text = "# A\n`b` and `c`\n```console\n$ x\n| no |\n```\n| h |\n| - |\n| 1 | 2 |\nend";
    let page = Page { path: "a.md".into(), text: text.into() };
    let block = Block { line: 3, language: "console", lines: vec!["$ x", "| no |"] };
    assert_eq!(page.blocks(), [block]);
    assert_eq!(page.table("# A"), [["1", "2"]]);
    assert_eq!(page.prose().last(), Some((10, "end")));
    assert_eq!(code("`b` and `c`").collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn every_page_is_found() {
    let pages = Page::all();
    let has = |path: &str| pages.iter().any(|page| page.path == path);
    assert!(has("README.md") && has("ARCHITECTURE.md") && has("docs/explanation/method.md"));
}
