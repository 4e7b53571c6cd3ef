//! `cargo xtask setup`: installs everything at once, so that later runs only test.

use crate::context::Context;
use crate::process::Result;
use crate::{autobahn, deny, install};

/// Installs what any suite needs.
pub(crate) fn everything(context: &Context) -> Result {
    install::compiler()?;
    install::strace()?;
    install::interop()?;
    deny::cargo_deny(context)?;
    autobahn::python27::wstest(context)?;
    println!("everything the suites need is installed");
    Ok(())
}
