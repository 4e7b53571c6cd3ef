//! What the examples share: the address that each takes as its first argument.

/// The first argument, or `default`.
#[must_use]
pub fn argument(default: &str) -> String {
    std::env::args()
        .nth(1)
        .unwrap_or_else(|| default.to_owned())
}

/// The address to listen on: the first argument, or port 4000 of this machine only.
#[must_use]
pub fn listen_address() -> String {
    argument("127.0.0.1:4000")
}
