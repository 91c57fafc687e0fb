//! Many pages to one.
