//! `cargo xtask setup`: installs everything at once, so that later runs only test.

use crate::context::Context;
use crate::process::Result;
use crate::{autobahn, install, tools, web};

/// Installs what any suite needs.
pub(crate) fn everything(context: &Context) -> Result {
    install::compiler()?;
    install::strace()?;
    install::proxies()?;
    install::openssl()?;
    install::interop()?;
    web::install(context)?;
    for tool in [tools::DENY, tools::HACK, tools::SEMVER] {
        tool.get(context)?;
    }
    autobahn::python27::wstest(context)?;
    println!("everything the suites need is installed");
    Ok(())
}
