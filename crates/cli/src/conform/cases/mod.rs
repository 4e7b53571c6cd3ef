//! All cases, section by section.

mod close;
mod control;
mod deflate;
mod fragments;
mod frames;
mod handshake;
mod limits;
mod offers;
mod utf8;

use super::case::Case;

/// All of them, in the order in which they are shown.
pub(super) fn all() -> Vec<Case> {
    let mut all = handshake::cases();
    all.extend(frames::cases());
    all.extend(fragments::cases());
    all.extend(control::cases());
    all.extend(utf8::cases());
    all.extend(close::cases());
    all.extend(offers::cases());
    all.extend(deflate::cases());
    all.extend(limits::cases());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_case_has_a_name_of_its_own_and_says_where_it_is_written() {
        let all = all();
        let names: BTreeSet<_> = all.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for case in &all {
            assert!(case.name.split('/').count() == 2, "{}", case.name);
            assert!(
                case.rfc.contains('§') && !case.expected.is_empty(),
                "{}",
                case.name
            );
        }
        let sections: BTreeSet<_> = all.iter().map(Case::section).collect();
        for section in [
            "handshake",
            "framing",
            "lengths",
            "reserved",
            "masking",
            "fragments",
            "control",
            "utf8",
            "close",
            "deflate",
            "limits",
        ] {
            assert!(sections.contains(section), "{section}");
        }
    }
}
