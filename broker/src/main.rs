//! The binary `promfetch`.

fn main() {}
