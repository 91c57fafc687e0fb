#![doc = include_str!("../contract.txt")]
//!
//! # The code
//! One file a C type. Every exported function is a line or two around [`guard`], the only boundary: it keeps the sticky
//! error, catches panics and knows the library's own threads. [`text`] is the only place that reads what pointers point
//! to. `include/promfetch.h` is made from the functions and their comments; the text above is its beginning.

mod asking;
mod calls;
mod client;
mod code;
mod error;
mod exposition;
mod failures;
mod fetch;
mod guard;
mod labels;
mod log;
mod merge;
mod options;
mod process;
mod request;
mod running;
mod signals;
mod stream;
mod targets;
mod text;
mod version;

pub use calls::*;
pub use client::*;
pub use code::*;
pub use error::*;
pub use exposition::*;
pub use fetch::*;
pub use labels::*;
pub use log::*;
pub use merge::*;
pub use options::*;
pub use request::*;
pub use stream::*;
pub use targets::*;
pub use text::*;
pub use version::*;
