//! libpromfetch: promfetch's discovery, fetch and merge for C, Go and Python. The C API comes with its own issue.
