//! `plimsoll publish` as a job of GitHub Actions runs it, against a fake of the platform on a real
//! socket. With `PLIMSOLL_EXCHANGES` naming a folder, everything that is said is also written there,
//! for a judge who knows the platform's own description.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod comments;
mod fake;
mod failures;
mod forks;
mod job;
mod objects;
mod security;
