//! Media types: what a caller takes, what instances are asked for, what a body is.

mod accept;
mod body;
mod media_type;

pub use accept::{Accepted, accepted};
pub use body::{of_content, of_content_type};
