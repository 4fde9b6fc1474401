//! Who may offer load at the same time: tests of other binaries and threads share the cores.

use std::fs::File;

/// Holds its turn until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] File);

/// A turn beside others, for a test whose outcome no busy machine can change.
pub(crate) fn shared() -> Turn {
    let file = file();
    file.lock_shared().unwrap();
    Turn(file)
}

/// A turn alone.
pub(crate) fn alone() -> Turn {
    let file = file();
    file.lock().unwrap();
    Turn(file)
}

fn file() -> File {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/turns.lock");
    File::options().create(true).append(true).open(path).unwrap()
}
