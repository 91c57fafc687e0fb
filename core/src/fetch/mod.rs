//! All targets of a page at once, within one deadline.
