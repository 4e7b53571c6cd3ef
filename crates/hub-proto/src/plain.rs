//! The plain protocol: payloads without an envelope.
