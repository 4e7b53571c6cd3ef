//! What requests and answers are made of, for routes and transports alike.

pub(crate) mod answers;
pub(crate) mod caller;
pub(crate) mod files;
pub(crate) mod opening;
pub(crate) mod pages;
pub(crate) mod patience;
pub(crate) mod site;
pub(crate) mod url;
