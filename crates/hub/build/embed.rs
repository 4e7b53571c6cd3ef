//! Writes what the library includes: a table of the pages, and their bytes.

use crate::inputs::hash;
use crate::pages::Page;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// Copies the pages into `out`, where no later build of them changes anything, and writes the table.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn write(out: &Path, pages: Vec<Page>) -> io::Result<()> {
    let folder = out.join("site");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut table = "&[\n".to_owned();
    for (at, page) in pages.iter().enumerate() {
        fs::write(folder.join(at.to_string()), &page.body)?;
        let gzip = match &page.gzip {
            Some(gzip) => {
                fs::write(folder.join(format!("{at}.gz")), gzip)?;
                format!("Some(include_bytes!(\"site/{at}.gz\"))")
            }
            None => "None".to_owned(),
        };
        // Weak: the same for both forms of it.
        let tag = format!("W/\\\"{:x}-{:08x}\\\"", page.body.len(), hash(&page.body));
        let (url, file) = (&page.url, &page.file);
        // Writing to a string does not fail.
        _ = writeln!(
            table,
            "    File {{ url: \"{url}\", file: \"{file}\", tag: \"{tag}\", \
             body: include_bytes!(\"site/{at}\"), gzip: {gzip} }},"
        );
    }
    table.push_str("]\n");
    fs::write(out.join("site.rs"), table)
}
