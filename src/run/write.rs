//! The one way in which files are written: all of it or nothing.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// How the name of a file begins that is being written, or that a killed writer left behind.
const PARTIAL: &str = ".plimsoll-";

/// Whether a file is one that a killed writer left behind.
pub fn is_partial(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PARTIAL.as_bytes()))
}

/// Writes a file so that a reader, or a crash, sees the old one or the new one, never half of it. Who
/// may read it is up to the umask, as for any file.
///
/// # Errors
/// What the system said; it does not name the file.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Opened and written past `tempfile`, which hides a file from all others and puts its temporary
    // name into every error.
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL).suffix(".tmp");
    let mut file = builder.make_in(folder, |name| File::create_new(name))?;
    file.as_file_mut().write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new name is durable only when the folder is; a system that cannot do it has the file all
    // the same.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::write_atomically;
    use std::fs;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in ["long, and then", "short"] {
            write_atomically(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        let occupied = folder.path().join("occupied");
        fs::create_dir_all(occupied.join("full")).unwrap();
        assert!(write_atomically(&occupied, b"x").is_err());
        assert!(occupied.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something was left behind");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_may_be_read_by_whom_the_umask_lets() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode();
        write_atomically(&folder.path().join("ours"), b"x").unwrap();
        fs::write(folder.path().join("any"), "x").unwrap();
        assert_eq!(mode("ours"), mode("any"));
    }

    #[test]
    fn an_error_names_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/file");
        let error = write_atomically(&path, b"x").unwrap_err();
        assert_eq!(error.to_string(), fs::write(&path, "x").unwrap_err().to_string());
    }
}
