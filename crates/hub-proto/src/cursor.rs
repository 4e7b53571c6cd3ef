//! A cursor: the positions of several channels in one opaque string.
