//! Where a report is read: what it can point at from there.

use super::command::shell_word;

/// Where a report is read. By default on the machine that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Address of the workflow run.
    pub run_url: Option<String>,
    /// Where the run's files can be fetched from.
    pub download: Option<Download>,
    /// Whether the numbers come from somebody else's run, which nobody here has seen.
    pub is_claim: bool,
}

/// An artifact of a workflow run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Id of the workflow run.
    pub run: u64,
    /// Name of the artifact.
    pub artifact: String,
}

impl Download {
    /// The command that fetches it into a folder.
    pub(super) fn command(&self, folder: &str) -> String {
        let name = shell_word(&self.artifact);
        format!("gh run download {} --name {name} --dir {folder}", self.run)
    }
}
