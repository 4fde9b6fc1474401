//! What the documentation says must be true: its commands run, its tables are those of the binary,
//! its links lead somewhere, and what it calls documented is.
#![cfg(test)]

mod commands;
mod examples;
mod links;
mod page;
mod program;
mod tables;
