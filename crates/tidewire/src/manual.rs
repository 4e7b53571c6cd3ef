//! The manual: what the crate does where no single item can say it. There is no code here.
//!
//! - [`defaults`]: each setting, its default, why, and the price of another value
//! - [`attacks`]: which known attacks are answered where, and which are not
//! - [`errors`]: errors and close codes, and who must act
//! - [`observability`]: what can be seen of a connection, and the events for `tracing`
//! - [`testing`]: how to test a handler of your own
//! - [`deployment`]: behind a proxy, without downtime, within the memory
//! - [`migrating`]: from tokio-tungstenite, fastwebsockets and axum's extractor, side by side

// The pages lead to what needs features; who builds the documentation without them gets no links.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "json",
        feature = "proxy",
        feature = "test-util",
        feature = "tls"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[doc = include_str!("../docs/attacks.md")]
pub mod attacks {}

#[doc = include_str!("../docs/defaults.md")]
pub mod defaults {}

#[doc = include_str!("../docs/deployment.md")]
pub mod deployment {}

#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

#[doc = include_str!("../docs/migrating.md")]
pub mod migrating {}

#[doc = include_str!("../docs/observability.md")]
pub mod observability {}

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
