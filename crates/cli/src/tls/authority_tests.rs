//! The authority of `--tls-dev`: kept, renewed in time, private, and bounded in what it vouches for.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn it_is_made_once_and_its_certificates_are_reused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("deep/tls-dev");
    let first = issue(&folder, "127.0.0.1").unwrap();
    assert_eq!(first.names, ["localhost", "127.0.0.1", "::1"]);
    assert!(first.covers_host);
    let authority = fs::read_to_string(&first.authority).unwrap();
    assert!(!authority.contains("PRIVATE KEY"), "this one is given away");
    let again = issue(&folder, "localhost").unwrap();
    assert_eq!(again.pem, first.pem);
    let other = issue(&folder, "box.local").unwrap();
    assert_eq!(other.names.last().unwrap(), "box.local");
    assert_ne!(other.pem, first.pem);
    assert_eq!(issue(&folder, "127.0.0.1").unwrap().pem, first.pem);
    assert_eq!(fs::read_to_string(&first.authority).unwrap(), authority);
    // What was removed by mistake comes back, the same.
    fs::remove_file(&first.authority).unwrap();
    issue(&folder, "127.0.0.1").unwrap();
    assert_eq!(fs::read_to_string(&first.authority).unwrap(), authority);
    let drafts = fs::read_dir(&folder).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("new")
    });
    assert_eq!(drafts.count(), 0);
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("tls-dev");
    issue(&folder, "127.0.0.1").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 3);
}

#[test]
fn a_new_authority_makes_new_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let first = issue(dir.path(), "127.0.0.1").unwrap();
    fs::remove_file(dir.path().join("ca-key.pem")).unwrap();
    let second = issue(dir.path(), "127.0.0.1").unwrap();
    assert_ne!(first.pem, second.pem);
    fs::write(dir.path().join("ca-key.pem"), "garbage").unwrap();
    let error = issue(dir.path(), "127.0.0.1").err().unwrap();
    assert!(
        error.contains("damaged") && error.contains("ca-key.pem"),
        "{error}"
    );
}

#[test]
fn many_that_start_at_once_agree_on_one() {
    let dir = tempfile::tempdir().unwrap();
    let authorities: Vec<String> = std::thread::scope(|scope| {
        let start = || {
            let (_, certificate) = authority_of(&dir.path().join("ca-key.pem")).unwrap();
            certificate
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(authorities.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_certificate_is_renewed_before_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let pem = issue(dir.path(), "127.0.0.1").unwrap().pem;
    let purpose = pem.split(" until ").next().unwrap();
    let now = SystemTime::now();
    for (days, current) in [
        (0, true),
        (59, true),
        (61, false),
        (91, false),
        (4000, false),
    ] {
        assert_eq!(
            is_current(&pem, purpose, now + DAY * days),
            current,
            "{days}"
        );
    }
    assert!(!is_current(&pem, "# another", now));
    assert!(!is_current(
        &pem.replace("BEGIN PRIVATE KEY", "BEGIN"),
        purpose,
        now
    ));
    assert!(!is_current(purpose, purpose, now));
    assert!(!is_current(
        &format!("{purpose} until 99999999999999999999"),
        purpose,
        now
    ));
    let leaf = dir.path().join("leaf---1.pem");
    fs::write(&leaf, "damaged").unwrap();
    let renewed = issue(dir.path(), "127.0.0.1").unwrap().pem;
    assert_ne!(renewed, pem);
    assert_eq!(fs::read_to_string(&leaf).unwrap(), renewed);
}

#[test]
fn it_vouches_for_local_names_only() {
    for (host, permitted) in [
        ("localhost", true),
        ("a.localhost", true),
        ("Box.Local", true),
        ("127.8.9.1", true),
        ("10.1.2.3", true),
        ("172.31.0.1", true),
        ("192.168.1.5", true),
        ("::1", true),
        ("fe80::1", true),
        ("fd00::5", true),
        ("172.32.0.1", false),
        ("8.8.8.8", false),
        ("2001:db8::1", false),
        ("example.com", false),
        ("notlocal", false),
        ("evil-localhost", false),
        ("mybox", false),
    ] {
        assert_eq!(is_permitted(host), permitted, "{host}");
    }
    let dir = tempfile::tempdir().unwrap();
    let issued = issue(dir.path(), "example.com").unwrap();
    assert!(!issued.covers_host);
    assert_eq!(issued.names, ["localhost", "127.0.0.1", "::1"]);
    assert!(issue(dir.path(), "0.0.0.0").unwrap().covers_host);
}
