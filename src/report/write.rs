//! Writes the reports of a run into its folder.

use super::{Results, capacity_search, json, junit, results::ReadError};
use crate::run::write_atomically;
use std::io;
use std::path::{Path, PathBuf};

/// Why one file is missing.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The results hold a number that is none, so that nobody could read the file.
    #[error("`{}` could not be read again and was not written", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where.
        #[source]
        source: ReadError,
    },
}

/// Writes `results.json`, `report.md` (whose text is `page`), `junit.xml` and
/// `capacity_search_results.json`, each all or nothing. One that fails does not keep the others from
/// being written; every failure is returned.
#[must_use]
pub fn write_reports(folder: &Path, results: &Results, page: &str) -> Vec<WriteError> {
    let mut files = vec![
        ("report.md".to_owned(), page.to_owned()),
        ("junit.xml".to_owned(), junit::render(results)),
    ];
    for (index, check) in results.checks.iter().filter(|c| c.kind == "capacity").enumerate() {
        // The first has the plain name, which other tools look for.
        let name = match index {
            0 => "capacity_search_results.json".to_owned(),
            n => format!("capacity_search_results.{}.json", n + 1),
        };
        files.push((name, capacity_search::render(results, check)));
    }
    let mut errors = Vec::new();
    let path = folder.join("results.json");
    let text = json::render(results);
    match Results::from_json(&text) {
        Ok(_) => files.insert(0, ("results.json".to_owned(), text)),
        Err(source) => errors.push(WriteError::Unreadable { path, source }),
    }
    errors.extend(files.iter().filter_map(|(name, text)| {
        let path = folder.join(name);
        let written = write_atomically(&path, text.as_bytes());
        written.err().map(|source| WriteError::Io { path, source })
    }));
    errors
}

#[cfg(test)]
mod tests {
    use super::{WriteError, write_reports};
    use crate::report::{Results, fixture, markdown};

    #[test]
    fn every_file_of_a_run_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let results = fixture::regression();
        assert!(write_reports(folder.path(), &results, "page").is_empty());
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "capacity_search_results.2.json",
                "capacity_search_results.json",
                "junit.xml",
                "report.md",
                "results.json"
            ]
        );
        let text = std::fs::read_to_string(folder.path().join("results.json")).unwrap();
        assert_eq!(Results::from_json(&text).unwrap(), results);
    }

    #[test]
    fn one_file_that_fails_does_not_stop_the_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("junit.xml")).unwrap();
        std::fs::write(folder.path().join("junit.xml").join("x"), "").unwrap();
        let errors = write_reports(folder.path(), &fixture::pass(), "page");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains("junit.xml"), "{}", errors[0]);
        assert!(folder.path().join("report.md").is_file());
        assert!(folder.path().join("results.json").is_file());
    }

    #[test]
    fn results_that_nobody_could_read_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut results = fixture::pass();
        results.checks[0].metrics["capacity"].low = f64::NAN;
        let errors = write_reports(folder.path(), &results, &markdown::render(&results));
        assert!(matches!(errors.as_slice(), [WriteError::Unreadable { .. }]), "{errors:?}");
        assert!(!folder.path().join("results.json").exists());
        let report = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
        assert!(!report.contains("NaN"));
    }

    #[test]
    fn a_missing_folder_is_named_for_each_file() {
        let errors =
            write_reports(std::path::Path::new("/nonexistent/run"), &fixture::pass(), "page");
        assert_eq!(errors.len(), 5);
        assert!(errors.iter().all(|error| error.to_string().contains("/nonexistent/run")));
    }
}
