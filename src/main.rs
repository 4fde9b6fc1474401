//! The binary: parse, run, exit code. Nothing else.

fn main() {}
