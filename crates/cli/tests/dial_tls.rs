//! TLS as the flags say: whom to trust, what to show, and what is said when it fails.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tidewire::tls::ServerTls;
use tidewire::{OriginPolicy, Server};

/// A CA, a server for `chat.example`, a client; as files.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn make() -> Files {
        let files = Files {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let name = &mut ca.distinguished_name;
        name.push(rcgen::DnType::CommonName, "a CA of the test");
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        files.write("ca.pem", ca_certificate.pem());
        files.write("ca.der", ca_certificate.der());
        let issuer = rcgen::Issuer::new(ca, ca_key);
        for name in ["chat.example", "client", "old", "young"] {
            let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            match name {
                "old" => params.not_after = rcgen::date_time_ymd(2020, 1, 1),
                "young" => params.not_before = rcgen::date_time_ymd(2999, 1, 1),
                _ => {}
            }
            let dn = &mut params.distinguished_name;
            dn.push(rcgen::DnType::CommonName, name);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            files.write(&format!("{name}.pem"), certificate.pem());
            files.write(&format!("{name}.key"), key.serialize_pem());
            let both = certificate.pem() + &key.serialize_pem();
            files.write(&format!("{name}.both.pem"), both);
        }
        files
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs OpenSSL on them.
    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl")
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .expect("openssl: install it with `apt-get install openssl`");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(Files::make)
}

/// A server for `chat.example` that says hello and closes; `strict`: it wants a certificate of the CA.
fn start(strict: bool) -> SocketAddr {
    start_as("chat.example", strict)
}

/// The same with another certificate.
fn start_as(name: &str, strict: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let pem = |name: &str| files().read(name);
    let (chain, key) = (pem(&format!("{name}.pem")), pem(&format!("{name}.key")));
    let mut tls = ServerTls::from_pem(chain, key).unwrap();
    if strict {
        tls = tls.require_client_certificates(pem("ca.pem")).unwrap();
    }
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(stream) = tls.accept(tcp).await else {
                continue;
            };
            let server = Server::new().origin(OriginPolicy::Any);
            if let Ok(mut ws) = server.accept(stream).await {
                _ = ws.send("hello").await;
                _ = ws.close(1000, "").await;
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    std::thread::spawn(move || runtime.block_on(serve));
    address
}

/// Connects to `chat.example` at the server with more flags: the exit code, stdout, and stderr.
fn connect(server: SocketAddr, args: &[&str]) -> (i32, String, String) {
    let port = server.port();
    let url = format!("wss://chat.example:{port}/");
    let table = format!("chat.example:{port}:127.0.0.1");
    let output = run(&[&[&url, "--resolve", &table][..], args].concat(), b"");
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_ca_of_ones_own_is_trusted_and_nobody_else() {
    let server = start(false);
    for ca in ["ca.pem", "ca.der"] {
        for flag in ["--ca", "--cacert"] {
            let (code, out, said) = connect(server, &[flag, &files().text(ca)]);
            assert_eq!((code, out.as_str()), (0, "hello\n"), "{said}");
        }
    }
    let (code, _, said) = connect(server, &[]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("an authority that is not trusted"), "{said}");
    assert!(said.contains("hint: --ca FILE"), "{said}");
    let (code, _, said) = connect(server, &["--ca", &files().text("client.pem")]);
    assert_eq!(code, 5, "{said}");
    for insecure in ["-n", "-k", "--no-check", "--insecure"] {
        let (code, out, said) = connect(server, &[insecure]);
        assert_eq!((code, out.as_str()), (0, "hello\n"), "{said}");
    }
}

#[test]
fn another_name_can_be_asked_for() {
    let server = start(false);
    let url = format!("wss://127.0.0.1:{}/", server.port());
    let ca = files().text("ca.pem");
    let output = run(&[&url, "--ca", &ca], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("for chat.example") && said.contains("--sni"),
        "{said}"
    );
    assert!(!said.contains("ClientTls"), "{said}");
    for flag in ["--sni", "--tls-domain"] {
        let output = run(&[&url, "--ca", &ca, flag, "chat.example"], b"");
        assert_eq!(text(&output.stdout), "hello\n", "{}", text(&output.stderr));
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let ca = files().text("ca.pem");
    for (name, part) in [
        ("old", "has expired"),
        ("young", "is not valid yet"),
        ("client", "is not for \"chat.example\", but for client"),
    ] {
        let (code, _, said) = connect(start_as(name, false), &["--ca", &ca]);
        assert_eq!(code, 5, "{said}");
        assert!(said.contains(part) && said.contains("hint: -n"), "{said}");
    }
}

#[test]
fn client_certificates_in_every_clothing() {
    let server = start(true);
    let files = files();
    let export = [
        "pkcs12",
        "-export",
        "-inkey",
        "client.key",
        "-in",
        "client.pem",
    ];
    let new = |more: &[&str]| files.openssl(&[&export[..], more].concat());
    new(&["-out", "new.p12", "-passout", "pass:s3cr3t"]);
    new(&["-out", "open.pfx", "-passout", "pass:"]);
    let old = [
        "-certpbe",
        "PBE-SHA1-3DES",
        "-keypbe",
        "PBE-SHA1-3DES",
        "-macalg",
        "sha1",
    ];
    new(&[&["-out", "old.p12", "-passout", "pass:s3cr3t"][..], &old].concat());
    let lock = ["pkcs8", "-topk8", "-in", "client.key", "-out", "locked.key"];
    files.openssl(
        &[
            &lock[..],
            &["-v2", "aes-256-cbc", "-passout", "pass:s3cr3t"],
        ]
        .concat(),
    );
    let lock = ["pkcs8", "-topk8", "-in", "client.key", "-out", "des.key"];
    let des = [
        "-v2",
        "des3",
        "-v2prf",
        "hmacWithSHA1",
        "-passout",
        "pass:s3cr3t",
    ];
    files.openssl(&[&lock[..], &des].concat());
    files.write("word", "s3cr3t\n");
    let word = format!("@{}", files.text("word"));
    let ca = files.text("ca.pem");
    let path = |name: &str| files.text(name);
    let (pem, des) = (path("client.pem"), path("des.key"));
    for given in [
        vec!["--cert", &pem, "--key", &des, "--passphrase", "s3cr3t"],
        vec!["--cert", &path("client.pem"), "--key", &path("client.key")],
        vec!["--cert", &path("client.both.pem")],
        vec!["--cert", &path("new.p12"), "--passphrase", "s3cr3t"],
        vec!["--cert", &path("old.p12"), "--passphrase", "s3cr3t"],
        vec!["--cert", &path("new.p12"), "--passphrase", &word],
        vec!["--cert", &path("open.pfx")],
        vec![
            "--cert",
            &path("client.pem"),
            "--key",
            &path("locked.key"),
            "--passphrase",
            "s3cr3t",
        ],
    ] {
        let (code, out, said) = connect(server, &[&["--ca", ca.as_str()][..], &given].concat());
        assert_eq!((code, out.as_str()), (0, "hello\n"), "{given:?}: {said}");
    }
    let (code, _, said) = connect(server, &["--ca", &ca]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("--cert FILE"), "{said}");
    let (cert, key) = (path("chat.example.pem"), path("client.key"));
    let (code, _, said) = connect(server, &["--ca", &ca, "--cert", &cert, "--key", &key]);
    assert_eq!(code, 5, "a key of another certificate: {said}");
}

#[test]
fn files_that_cannot_be_used_are_named_with_their_flag() {
    let files = files();
    files.write("empty.pem", "");
    files.write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n",
    );
    files.write(
        "broken.p12",
        [&[0x30, 0x82, 0xff, 0xff, 0x02][..], &[0xff; 5000]].concat(),
    );
    let proc_type = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                     DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    files.write("ancient.key", proc_type);
    let lock = [
        "pkcs8",
        "-topk8",
        "-in",
        "client.key",
        "-out",
        "shut.key",
        "-passout",
        "pass:x",
    ];
    files.openssl(&lock);
    let lock = [
        "pkcs8",
        "-topk8",
        "-in",
        "client.key",
        "-out",
        "pbes1.key",
        "-passout",
        "pass:x",
    ];
    files.openssl(&[&lock[..], &["-v1", "PBE-SHA1-3DES"]].concat());
    let export = [
        "pkcs12",
        "-export",
        "-inkey",
        "client.key",
        "-in",
        "client.pem",
    ];
    files.openssl(&[&export[..], &["-out", "shut.p12", "-passout", "pass:x"]].concat());
    let path = |name: &str| files.text(name);
    let cert = path("client.pem");
    let (pbes1, word) = (path("pbes1.key"), "x");
    for (args, part) in [
        (
            vec!["--cert", &cert, "--key", &pbes1, "--passphrase", word],
            "openssl pkcs8",
        ),
        (vec!["--ca", "/no/such"], "--ca /no/such: "),
        (vec!["--ca", &path("empty.pem")], "no certificate"),
        (vec!["--ca", &path("client.key")], "no certificate"),
        (vec!["--ca", &path("broken.pem")], "broken PEM"),
        (vec!["--cert", &path("broken.p12")], "PKCS#12"),
        (vec!["--cert", &cert], "--key"),
        (vec!["--cert", &cert, "--key", &cert], "no private key"),
        (
            vec!["--cert", &cert, "--key", &path("ancient.key")],
            "openssl pkcs8",
        ),
        (
            vec!["--cert", &cert, "--key", &path("shut.key")],
            "--passphrase",
        ),
        (
            vec![
                "--cert",
                &cert,
                "--key",
                &path("shut.key"),
                "--passphrase",
                "y",
            ],
            "does not open",
        ),
        (vec!["--cert", &path("shut.p12")], "--passphrase"),
        (
            vec!["--cert", &path("shut.p12"), "--passphrase", "y"],
            "does not open",
        ),
    ] {
        let output = run(&[&["wss://127.0.0.1:1"][..], &args].concat(), b"");
        let said = text(&output.stderr);
        let expected = if args[1] == "/no/such" { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(expected), "{args:?}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains(part),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn keys_are_logged_where_the_environment_says() {
    let server = start(false);
    let log = files().path("keys.log");
    let url = format!("wss://127.0.0.1:{}/", server.port());
    let mut command = tidewire();
    command.args([&url, "-n"]).env("SSLKEYLOGFILE", &log);
    assert!(command.output().unwrap().status.success());
    let keys = std::fs::read_to_string(&log).unwrap();
    assert!(keys.contains("CLIENT_TRAFFIC_SECRET_0 "), "{keys}");
}

#[test]
fn the_wrong_scheme_for_a_port_is_told_both_ways() {
    let server = start(false);
    let output = run(&[&format!("ws://127.0.0.1:{}/x", server.port())], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains(&format!("hint: wss://127.0.0.1:{}/x", server.port())),
        "{said}"
    );
    let echo = Echo::start(&[]);
    let output = run(&[&echo.url().replace("ws:", "wss:")], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("does not speak TLS on this port: use ws://"),
        "{said}"
    );
}

/// A person who types a secret does not see it, and the terminal is as before.
#[cfg(target_os = "linux")]
#[test]
fn a_password_that_is_missing_is_asked_for_and_not_shown() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Read;
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        _ = stream.write_all(&frame(8, &close(1000, "")));
        _ = receive(stream);
    });
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let device = std::fs::File::options()
        .read(true)
        .write(true)
        .open(Path::new(name.to_str().unwrap()))
        .unwrap();
    let end = || std::process::Stdio::from(device.try_clone().unwrap());
    // The question is asked on the terminal that controls the process.
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_tidewire")])
        .args(["-u", "ann", &format!("127.0.0.1:{port}")])
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .expect("setsid of util-linux");
    let mut terminal = std::fs::File::from(master);
    let mut seen = String::new();
    let mut until = |terminal: &mut std::fs::File, what: &str| {
        let mut buffer = [0; 1024];
        while !seen.contains(what) {
            let count = terminal.read(&mut buffer).unwrap();
            seen += &text(&buffer[..count]);
        }
        seen.clone()
    };
    until(&mut terminal, "Password of ann: ");
    let modes = || rustix::termios::tcgetattr(&device).unwrap().local_modes;
    let echoes = || modes().contains(rustix::termios::LocalModes::ECHO);
    for _ in 0..20_000 {
        if !echoes() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    terminal.write_all(b"s3cr3t\n").unwrap();
    let seen = until(&mut terminal, "Disconnected");
    assert!(!seen.contains("s3cr3t"), "{seen}");
    assert!(echoes());
    wait_for(&mut child);
    assert!(server.join().unwrap().contains("Basic YW5uOnMzY3IzdA=="));
}
