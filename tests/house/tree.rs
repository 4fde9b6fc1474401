//! The files of the repository as the rules see them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::lexer;

/// A file: its path from the root of the repository, with `/`, and its text.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All text files, sorted by path.
pub(crate) struct Tree {
    files: Vec<File>,
}

/// Folders that begin with a dot are a tool's own, except these.
const DOT_FOLDERS: [&str; 4] = [".ci", ".config", ".github", ".cargo"];

/// Larger files are data.
const TEXT_MAX_BYTES: u64 = 1 << 20;

impl Tree {
    /// Reads the repository. A folder that cannot be read is a failure, not an empty one.
    pub(crate) fn read() -> Self {
        let mut tree = Self { files: Vec::new() };
        tree.folder(Path::new(env!("CARGO_MANIFEST_DIR")), "");
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree
    }

    fn folder(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().unwrap();
            // Cargo marks the folder that it made itself; at the root it may have found one.
            let is_output = path == "target" || is_skipped(&entry.path(), &name);
            if kind.is_dir() && !is_output {
                self.folder(&entry.path(), &format!("{path}/"));
            } else if kind.is_file()
                && name != ".git"
                && entry.metadata().unwrap().len() <= TEXT_MAX_BYTES
            {
                // What is not UTF-8 is no text.
                if let Ok(text) = fs::read_to_string(entry.path()) {
                    self.files.push(File { path, text });
                }
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<File> {
        self.files.clone()
    }

    pub(crate) fn rust(&self) -> Vec<File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs")).cloned().collect()
    }

    /// The code of `src/` that is compiled outside tests, without comments and literals.
    pub(crate) fn product(&self) -> Vec<File> {
        let mut tests = BTreeSet::new();
        let mut files = Vec::new();
        for file in self.rust().into_iter().filter(|file| file.path.starts_with("src/")) {
            let (text, modules) = lexer::without_tests(&lexer::code(&file.text));
            tests.extend(modules.iter().map(|name| format!("{}{name}", inside(&file.path))));
            files.push(File { path: file.path, text });
        }
        files.retain(|file| !tests.iter().any(|test| is_in(&file.path, test)));
        files
    }
}

/// Build outputs say so themselves (`CACHEDIR.TAG`), so a module may be called `target`.
fn is_skipped(folder: &Path, name: &str) -> bool {
    let tool = name.starts_with('.') && !DOT_FOLDERS.contains(&name);
    tool || name == "__pycache__" || name == "node_modules" || folder.join("CACHEDIR.TAG").exists()
}

/// Where the modules stand that a file declares: `src/a/` for `src/a/mod.rs` and for `src/a.rs`.
fn inside(path: &str) -> String {
    let own = ["/mod.rs", "/lib.rs", "/main.rs"].iter().find_map(|end| path.strip_suffix(end));
    format!("{}/", own.or_else(|| path.strip_suffix(".rs")).unwrap_or(path))
}

/// Whether the file is the module, or stands below it.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[test]
fn a_module_for_tests_is_recognised_as_file_and_as_folder() {
    assert_eq!(inside("src/a/mod.rs"), "src/a/");
    assert_eq!(inside("src/a.rs"), "src/a/");
    assert_eq!(inside("src/lib.rs"), "src/");
    assert!(is_in("src/a/tests.rs", "src/a/tests"));
    assert!(is_in("src/a/tests/mod.rs", "src/a/tests"));
    assert!(!is_in("src/a/tests_of_x.rs", "src/a/tests"));
}

#[test]
fn the_tree_holds_sources_and_settings_but_no_build_output() {
    let tree = Tree::read();
    let has = |path: &str| tree.files.iter().any(|file| file.path == path);
    assert!(has("src/lib.rs") && has("Cargo.toml") && has(".ci/run"));
    assert!(!tree.files.iter().any(|file| file.path.starts_with("target/debug")));
    assert!(tree.product().iter().any(|file| file.path == "src/units/mod.rs"));
    assert!(!tree.product().iter().any(|file| file.path.ends_with("/tests.rs")));
}
