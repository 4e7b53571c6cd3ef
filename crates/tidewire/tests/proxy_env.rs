//! Proxies that the environment names: each case in a child process, because an environment is a
//! whole process's.

#![cfg(all(feature = "proxy", feature = "tls"))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use reach::*;
use std::net::SocketAddr;
use std::process::Stdio;
use tidewire::{Client, Proxy};
use tokio::process::Command;

/// In the environment of the child: what it shall connect to.
const URL: &str = "TIDEWIRE_TEST_URL";
/// And whether by a proxy that was named in code, or by none.
const PROXY: &str = "TIDEWIRE_TEST_PROXY";

const VARIABLES: [&str; 9] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUEST_METHOD",
];

/// Not a test of its own, but what the others run in a child process.
#[tokio::test]
async fn connect_as_the_environment_says() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let nowhere: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let mut client = Client::new(url).resolver(move |name, _| async move {
        // Only `direct.example` has an address here; and nobody is there.
        match name.as_str() {
            "direct.example" => Ok(vec![nowhere]),
            _ => Err(std::io::Error::other(format!("{name} looked up here"))),
        }
    });
    match std::env::var(PROXY).as_deref() {
        Ok("none") => client = client.proxy(Proxy::none()),
        Ok(url) => client = client.proxy(Proxy::new(url)),
        Err(_) => {}
    }
    match client.connect().await {
        Ok(_) => println!("OUTCOME connected"),
        Err(error) => println!("OUTCOME {error}"),
    }
}

/// What comes of connecting in an environment.
async fn outcome(url: &str, environment: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "connect_as_the_environment_says", "--nocapture"])
        .env(URL, url)
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    for variable in VARIABLES {
        child.env_remove(variable);
    }
    let output = child.envs(environment.iter().copied()).output();
    let output = soon(output).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("OUTCOME "));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

/// A proxy by hand that connects everybody to `target`, and its URL.
async fn proxy(target: SocketAddr) -> (String, Heads) {
    let heads = Heads::default();
    let kept = heads.clone();
    let address = listen(move |tcp| connect_proxy(tcp, kept.clone(), target)).await;
    (format!("http://me:pw@{address}"), heads)
}

#[tokio::test]
async fn the_environment_names_the_proxy_by_the_targets_scheme() {
    let target = echo().await;
    let (proxy, heads) = proxy(target).await;
    let connected = "connected";
    let looked_up = |outcome: &str| outcome.contains("looked up here");
    for (variable, used) in [
        ("HTTP_PROXY", true),
        ("http_proxy", true),
        ("ALL_PROXY", true),
        ("all_proxy", true),
        ("HTTPS_PROXY", false),
        ("https_proxy", false),
    ] {
        let before = heads.all().len();
        let said = outcome("ws://chat.example/", &[(variable, &proxy)]).await;
        if used {
            assert_eq!(said, connected, "{variable}");
            let head = heads.all().pop().unwrap();
            assert!(head.starts_with("CONNECT chat.example:80 "), "{head}");
            assert_eq!(values(&head, "proxy-authorization"), ["Basic bWU6cHc="]);
        } else {
            assert!(looked_up(&said), "{variable}: {said}");
        }
        assert_eq!(heads.all().len(), before + usize::from(used));
    }
    // For wss the other: the tunnel is there, but the target does not speak TLS.
    let before = heads.all().len();
    let said = outcome("wss://chat.example/", &[("HTTPS_PROXY", &proxy)]).await;
    assert!(!looked_up(&said) && said != connected, "{said}");
    assert!(heads.all()[before].starts_with("CONNECT chat.example:443 "));
    let said = outcome("wss://chat.example/", &[("HTTP_PROXY", &proxy)]).await;
    assert!(looked_up(&said), "{said}");
    assert_eq!(heads.all().len(), before + 1);
}

#[tokio::test]
async fn no_proxy_this_machine_and_cgi_are_exceptions_to_it() {
    let target = echo().await;
    let (proxy, heads) = proxy(target).await;
    let all = ("ALL_PROXY", proxy.as_str());
    let port = target.port();
    for (url, environment) in [
        (
            "ws://direct.example/".to_owned(),
            vec![all, ("NO_PROXY", "x, .example")],
        ),
        (
            "ws://direct.example/".to_owned(),
            vec![all, ("no_proxy", "direct.example")],
        ),
        (
            "ws://direct.example/".to_owned(),
            vec![all, ("NO_PROXY", "*")],
        ),
        (
            "ws://direct.example/".to_owned(),
            vec![("HTTP_PROXY", proxy.as_str()), ("REQUEST_METHOD", "GET")],
        ),
        (
            "ws://direct.example/".to_owned(),
            vec![all, (PROXY, "none")],
        ),
        (format!("ws://127.0.0.1:{port}/"), vec![all]),
    ] {
        let said = outcome(&url, &environment).await;
        let local = url.contains("127.0.0.1");
        let direct = if local {
            "connected"
        } else {
            "nobody answers at direct.example:80"
        };
        assert!(said.contains(direct), "{url} {environment:?}: {said}");
    }
    assert!(heads.all().is_empty());
    // A proxy that was named in code is used for all of that.
    for url in [
        "ws://direct.example/".to_owned(),
        format!("ws://127.0.0.1:{port}/"),
    ] {
        let environment = [("NO_PROXY", "*"), (PROXY, proxy.as_str())];
        assert_eq!(outcome(&url, &environment).await, "connected");
    }
    assert_eq!(heads.all().len(), 2);
}

#[tokio::test]
async fn a_proxy_of_the_environment_that_cannot_be_used_is_an_error() {
    let environment = [("ALL_PROXY", "socks4://me:hunter2@h")];
    let said = outcome("ws://chat.example/", &environment).await;
    assert!(
        said.contains("socks5://") && !said.contains("hunter2"),
        "{said}"
    );
}
