//! The built binary as people and CI systems use it: what it prints, the code it exits with, the
//! files it leaves, and that it leaves no process behind.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod against;
mod baselines;
mod bench;
mod between_trials;
mod compare;
mod demo;
mod disk;
mod faulty;
mod formats;
mod help;
mod history;
mod interrupted;
mod killed;
mod knobs;
mod misbehaving;
mod output;
mod processes;
mod secrets;
mod seen;
mod shown;
mod speed;
mod startup;
mod templates;
mod trial;
mod usage;
