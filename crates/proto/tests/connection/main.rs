//! An open connection, seen from outside: what it tells its owner, and what it puts on the wire.
#![allow(clippy::unwrap_used)]

mod broken_rules;
mod close;
mod compressed;
mod control;
mod direct;
mod fragments;
mod limits;
mod parts;
mod prepared;
mod random_talk;
mod receive;
mod send;
mod split;
mod timers;
mod utf8;
mod violations;
