//! The protocol `tidewire.v1`: flat JSON objects.
