//! What a configuration comes to, and who overrides whom.
#![allow(clippy::unwrap_used)]

mod mistakes;
mod sample;

use super::load::variable;
use super::options::{NAMESPACE, NODE};
use super::*;
use std::path::Path;

fn load(text: &str) -> Result<Loaded, Mistakes> {
    Config::from_toml(Path::new("hub.toml"), text)
}

/// The mistakes of a text, one a line, as they are shown.
fn wrong(text: &str) -> String {
    match load(text) {
        Ok(_) => panic!("no mistake is found in {text}"),
        Err(mistakes) => mistakes.to_string(),
    }
}

fn with(environment: &[(&str, &str)], flags: Flags) -> Result<Loaded, Mistakes> {
    Config::load(&Sources {
        environment: environment
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        flags,
        ..Sources::default()
    })
}

#[test]
fn a_file_starts_from_deny() {
    let config = load("[namespaces.chat]\n").unwrap().config;
    let chat = &config.settings.namespaces["chat"];
    assert_eq!(*chat, Namespace::default());
    assert_eq!(
        (chat.subscribe, chat.publish, chat.presence),
        (Access::Nobody, Access::Nobody, Access::Nobody)
    );
    assert_eq!(config.settings.namespaces.len(), 1);
    assert!(!config.development);
    // So a page of another port is not let in.
    let judge = |config: &Config| {
        let origin = Some("http://localhost:5173");
        config
            .guard
            .judge(
                crate::guard::Endpoint::Hub,
                Some("localhost:4000"),
                origin,
                false,
            )
            .is_ok()
    };
    assert!(!judge(&config));
    assert!(judge(&Config::development()));
    assert!(judge(&with(&[], Flags::default()).unwrap().config));
}

#[test]
fn the_options_arrive_where_they_belong() {
    let config = load(
        "listen = ['[::1]:5000', ':5001']\ndata = 'd'\nshards = 3\nping_interval = '10s'\n\
         limits = { outbox = '2MiB', subscriptions = 7, in_flight = 8, bad_commands = 9, \
         page_bytes = '1KiB', page_records = 10, recent_bytes = 0 }\nmax_connections = 11\n\
         max_connections_per_address = 12\norigins = ['https://a.example']\nhosts = ['b.example']\n\
         [namespaces.n]\nstorage = 'durable'\nhistory_size = 1\nhistory_age = '2s'\nsubscribe = 'anyone'\n\
         publish = 'members'\npresence = 'anyone'\npresence_grace = '3s'\nmax_message = 4\nrate = 5\n\
         burst = 6\nslow_consumer = 'keep-latest'\necho = false\nkey_age = '7s'\n",
    )
    .unwrap()
    .config;
    assert_eq!(config.listen, ["[::1]:5000", "127.0.0.1:5001"]);
    assert_eq!(config.data, Path::new("d"));
    assert_eq!(
        (config.shards, config.ping_interval),
        (3, Duration::from_secs(10))
    );
    let limits = &config.settings.limits;
    assert_eq!(
        (limits.outbox, limits.subscriptions, limits.in_flight),
        (2 << 20, 7, 8)
    );
    assert_eq!(
        (limits.bad_commands, limits.page_bytes, limits.page_records),
        (9, 1024, 10)
    );
    assert_eq!(limits.recent_bytes, 0);
    assert_eq!(
        (config.max_connections, config.max_connections_per_address),
        (11, 12)
    );
    let n = &config.settings.namespaces["n"];
    assert_eq!(
        (n.storage, n.slow_consumer),
        (Storage::Durable, SlowConsumer::KeepLatest)
    );
    let log = (n.log.max_records, n.log.max_age, n.log.key_age, n.log.grace);
    assert_eq!(log, (1, 2000, 7000, 3000));
    assert_eq!(
        (n.subscribe, n.publish, n.presence),
        (Access::Anyone, Access::Members, Access::Anyone)
    );
    assert_eq!((n.max_message, n.rate, n.burst, n.echo), (4, 5, 6, false));
    // What is shown can be written.
    let mut again = "[namespaces.n]\n".to_owned();
    for (name, value) in describe_namespace(n) {
        again.push_str(&format!("{name} = {value}\n"));
    }
    assert_eq!(
        load(&again).unwrap().config.settings.namespaces["n"],
        *n,
        "{again}"
    );
    let mut again = String::new();
    for (name, value) in config.describe() {
        again.push_str(&format!("{name} = {value}\n"));
    }
    assert_eq!(
        load(&again).unwrap().config.describe(),
        config.describe(),
        "{again}"
    );
}

#[test]
fn later_sources_override() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(
        &path,
        "shards = 2\ndata = \"here\"\nlisten = [\"127.0.0.1:1\"]\n[namespaces.a-b]\nrate = 3\n",
    )
    .unwrap();
    let environment = [
        ("TIDEWIRE_LISTEN", "127.0.0.1:2, [::1]:2"),
        ("TIDEWIRE_SHARDS", "4"),
        ("TIDEWIRE_LIMITS_OUTBOX", "3MiB"),
        ("TIDEWIRE_NAMESPACES_A_B_RATE", "9"),
        ("TIDEWIRE_NAMESPACES_A_B_SUBSCRIBE", "anyone"),
        ("TIDEWIRE_CONFIG", "/ignored"),
        ("HOME", "/"),
    ];
    let mut sources = Sources {
        file: Some(path),
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap().config;
    assert_eq!(config.listen, ["127.0.0.1:2", "[::1]:2"]);
    assert_eq!(config.shards, 4);
    assert_eq!(config.data, dir.path().join("here"));
    assert_eq!(config.settings.limits.outbox, 3 << 20);
    let namespace = &config.settings.namespaces["a-b"];
    assert_eq!((namespace.rate, namespace.subscribe), (9, Access::Anyone));

    sources.flags = Flags {
        listen: vec!["7".to_owned()],
        data: Some("there".to_owned()),
        shards: Some("5".to_owned()),
        new_term: true,
        ..Flags::default()
    };
    let config = Config::load(&sources).unwrap().config;
    assert_eq!(config.listen, ["127.0.0.1:7"]);
    assert_eq!((config.shards, config.new_term), (5, true));
    assert_eq!(config.data, Path::new("there"));
}

#[test]
fn a_wrong_variable_or_flag_is_named() {
    let said = with(&[("TIDEWIRE_SHARDS", "many")], Flags::default())
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("TIDEWIRE_SHARDS: \"many\" is not a whole number"),
        "{said}"
    );
    let said = with(&[("TIDEWIRE_NAMESPACES_CHAT_RATE", "0")], Flags::default())
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("TIDEWIRE_NAMESPACES_CHAT_RATE: 0 is not"),
        "{said}"
    );
    let flags = Flags {
        origins: vec!["app.example".to_owned()],
        ..Flags::default()
    };
    let said = with(&[], flags).unwrap_err().to_string();
    assert!(
        said.starts_with("--origin: \"app.example\" has no scheme"),
        "{said}"
    );
    // A slip is told; what a container platform sets for a service named tidewire is not.
    let notes = with(
        &[
            ("TIDEWIRE_LISTN", "x"),
            ("TIDEWIRE_PORT", "tcp://10.0.0.1:4000"),
            ("TIDEWIRE_SERVICE_HOST", "10.0.0.1"),
            ("TIDEWIRE_PORT_4000_TCP_ADDR", "10.0.0.1"),
        ],
        Flags::default(),
    )
    .unwrap()
    .notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("TIDEWIRE_LISTEN"), "{notes:?}");
    // Two namespaces that a variable cannot tell apart.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(&path, "[namespaces.a-b]\n[namespaces.a_b]\n").unwrap();
    let said = Config::load(&Sources {
        file: Some(path),
        environment: vec![("TIDEWIRE_NAMESPACES_A_B_RATE".into(), "1".into())],
        ..Sources::default()
    })
    .unwrap_err()
    .to_string();
    assert!(said.contains("a-b and a_b"), "{said}");
}

#[test]
fn beyond_loopback_only_with_consent() {
    for listen in [
        "0.0.0.0:4000",
        "[::]:4000",
        "192.168.1.5:4000",
        "box.lan:4000",
    ] {
        let flags = |allow_anonymous| Flags {
            listen: vec!["127.0.0.1:4000".to_owned(), listen.to_owned()],
            allow_anonymous,
            ..Flags::default()
        };
        let said = with(&[], flags(false)).unwrap_err().to_string();
        assert!(
            said.starts_with("--listen: ") && said.contains("--allow-anonymous"),
            "{said}"
        );
        let config = with(&[], flags(true)).unwrap().config;
        assert!(!config.development, "{listen}");
        assert_eq!(config.max_connections_per_address, Config::PER_ADDRESS);
    }
    for listen in ["127.0.0.2:1", "[::1]:1", "localhost:1"] {
        let flags = Flags {
            listen: vec![listen.to_owned()],
            ..Flags::default()
        };
        let config = with(&[], flags).unwrap().config;
        assert!(config.development, "{listen}");
        assert_eq!(config.max_connections_per_address, 0);
    }
}

#[test]
fn a_program_cannot_set_what_a_file_cannot() {
    assert_eq!(Config::default().problems(), []);
    assert_eq!(Config::development().problems(), []);
    let mut config = Config::development();
    config.listen = vec!["0.0.0.0:1".to_owned()];
    config.shards = 0;
    config.settings.limits.in_flight = 0;
    let chat = config.settings.namespaces.get_mut("chat").unwrap();
    chat.rate = 0;
    chat.log.max_age = u64::MAX;
    config
        .settings
        .namespaces
        .insert("No".into(), Namespace::default());
    let found = config.problems();
    let options: Vec<&str> = found.iter().map(|(option, _)| option.as_str()).collect();
    assert_eq!(
        options,
        [
            "listen",
            "shards",
            "limits.in_flight",
            "namespaces.No",
            "namespaces.chat.history_age",
            "namespaces.chat.rate",
        ]
    );
}

#[test]
fn names_of_variables_are_distinct() {
    let mut names: Vec<String> = NODE.iter().map(|option| variable(option.name)).collect();
    names.extend(
        NAMESPACE
            .iter()
            .map(|option| variable(&format!("namespaces.chat.{}", option.name))),
    );
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(names.contains(&"TIDEWIRE_LIMITS_OUTBOX".to_owned()));
}
