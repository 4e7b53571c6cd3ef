//! Fuzz targets as plain functions over bytes, and all they need to run on stable.
//!
//! - [`targets`]: one function each; it panics when the protocol core breaks a promise
//! - [`model`]: RFC 6455 read naively, from a whole buffer: the second opinion of the frame targets
//! - [`differences`]: where tungstenite may differ from us, row by row
//! - [`wire`], [`rng`]: frames built and taken apart without the core's help, and the coin
//! - [`generate`], [`mutate`], [`seeds`], [`corpus`]: where inputs come from
//! - [`runner`]: the loop of `cargo run --release -p tidewire-fuzz`
//!
//! An input is named by target, seed and iteration: the same three give the same bytes.

#![forbid(unsafe_code)]

pub mod corpus;
pub mod differences;
pub mod generate;
pub mod model;
pub mod mutate;
pub mod rng;
pub mod runner;
pub mod seeds;
pub mod targets;
pub mod wire;
