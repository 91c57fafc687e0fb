//! Discover, fetch, merge: what the service, the C library and the plugins call.
