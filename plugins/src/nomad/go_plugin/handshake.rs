//! What host and plugin agree on before gRPC begins.

/// The environment variable by which a plugin knows that a host of its kind has started it.
pub const COOKIE_NAME: &str = "NOMAD_AUTOSCALER_PLUGIN_MAGIC_COOKIE";
/// Its value. It is no secret: it keeps people from starting plugins by hand and waiting.
pub const COOKIE: &str = "e082fa04d587a6525d683666fa253d6afda00f20c122c54a80a3ed57fec99ff3";
/// The version of go-plugin's handshake.
pub const CORE_VERSION: u32 = 1;
/// The version of the autoscaler's plugin API.
pub const PROTOCOL_VERSION: u32 = 1;
