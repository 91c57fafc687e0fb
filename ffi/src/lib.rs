//! libpromfetch: promfetch's discovery, fetch and merge for C, Go and Python.
//!
//! The package builds the library so that the workspace is whole; it exports nothing until the C API is there.
