//! The name that a client asks for, on its way from rustls' certificate resolver to the stream.

use std::cell::Cell;

thread_local! {
    /// The name in the last ClientHello: rustls shows it to nobody but the resolver, which it calls
    /// while it processes what the client sent.
    static ASKED_FOR: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// The name that the client asked for (SNI), if its ClientHello was processed on this thread since the
/// last call.
pub(super) fn take_name() -> Option<Box<str>> {
    ASKED_FOR.take()
}

/// A ClientHello asks for this name.
pub(super) fn asked_for(name: Option<&str>) {
    ASKED_FOR.set(name.map(Into::into));
}
