//! A process that takes all the CPU it gets.

use clap::Args;
use std::io::Read as _;
use std::process::{Child, Stdio};

/// `engine hog`: spins until its standard input ends.
#[derive(Debug, Args)]
pub(super) struct Hog {}

impl Hog {
    #[expect(clippy::unused_self, reason = "every helper is run in the same way")]
    pub(super) fn run(&self) -> anyhow::Result<()> {
        // It ends with the process.
        let _spinning = std::thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        });
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

/// A running hog; it ends when this is dropped.
pub(super) struct Running(Child);

impl Running {
    /// A hog of ordinary weight on `core`.
    pub(super) fn start(core: u32) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = super::child::on(Some(core), super::child::Priority::Ordinary, program);
        command.arg("hog").stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stdin.take();
        // There is nobody to tell, and nothing else to do.
        let _ = self.0.wait();
    }
}
