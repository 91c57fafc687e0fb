//! promfetch as a whole, on real parts.
