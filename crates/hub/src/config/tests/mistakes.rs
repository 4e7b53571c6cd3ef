//! Mistakes of a file: where they are and what is said.

use super::*;

#[test]
fn every_mistake_has_its_line_its_column_and_what_to_do() {
    for (text, expected) in [
        (
            "listen = [\"127.0.0.1\"]",
            "hub.toml:1:10: listen: 127.0.0.1 has no port: write for example 127.0.0.1:4000",
        ),
        (
            "\n  lisen = []",
            "hub.toml:2:3: \"lisen\" is no option of the node: did you mean \"listen\"?",
        ),
        (
            "[namespaces.chat]\nhistory_sice = 1",
            "hub.toml:2:1: \"history_sice\" is no option of a namespace: did you mean \"history_size\"?",
        ),
        (
            "[limits]\noutboxes = 1",
            "hub.toml:2:1: \"outboxes\" is no option of limits: did you mean \"outbox\"?",
        ),
        (
            "outbox = 5000",
            "hub.toml:1:1: \"outbox\" is no option of the node: it belongs into [limits]",
        ),
        (
            "[limits]\nlisten = []",
            "hub.toml:2:1: \"listen\" is no option of limits: it belongs above every [table]",
        ),
        (
            "rate = 5",
            "hub.toml:1:1: \"rate\" is no option of the node: it belongs into a namespace, as [namespaces.chat]",
        ),
        (
            "[namespace.chat]",
            "hub.toml:1:2: \"namespace\" is no option of the node: did you mean \"namespaces\"?",
        ),
        (
            "namespaces = 5",
            "hub.toml:1:14: namespaces is a table: write [namespaces.chat]",
        ),
        (
            "namespaces.chat = 5",
            "hub.toml:1:19: namespaces.chat is a table: write [namespaces.chat]",
        ),
        (
            "[namespaces.Chat]",
            "hub.toml:1:13: \"Chat\" cannot be a namespace: 1 to 32 characters of a-z, 0-9, _ and -",
        ),
        (
            "[namespaces.\"chat:a\"]",
            "hub.toml:1:13: \"chat:a\" cannot be a namespace: 1 to 32 characters of a-z, 0-9, _ and -",
        ),
        (
            "[namespaces.chat]\nsubscribe = \"everyone\"",
            "hub.toml:2:13: namespaces.chat.subscribe: \"everyone\" is not one of \"nobody\", \"anyone\", \"members\"",
        ),
        (
            "[namespaces.chat]\nhistory_age = \"64KiB\"",
            "hub.toml:2:15: namespaces.chat.history_age: \"64KiB\" is not a duration: write a number with \
             its unit in quotes, for example \"500ms\", \"25s\", \"5m\", \"2h\" or \"30d\"",
        ),
        (
            "[namespaces.chat]\nmax_message = \"25s\"",
            "hub.toml:2:15: namespaces.chat.max_message: \"25s\" is not a size: write for example \
             \"64KiB\", \"16MiB\" or a number of bytes",
        ),
        (
            "[namespaces.chat]\nrate = 0",
            "hub.toml:2:8: namespaces.chat.rate: 0 is not from 1 to 1000000000",
        ),
        (
            "[namespaces.chat]\nhistory_age = \"40000d\"",
            "hub.toml:2:15: namespaces.chat.history_age: \"40000d\" is longer than a hundred years",
        ),
        (
            "[namespaces.chat]\nmax_message = \"2MiB\"",
            "hub.toml:2:15: namespaces.chat.max_message: a message of \"2MiB\" can take twice \
             that on its way, which does not fit limits.outbox, \"1MiB\": lower the one or raise the other",
        ),
        (
            "[limits]\noutbox = \"127KiB\"\n[namespaces.chat]",
            "hub.toml:3:13: namespaces.chat.max_message: a message of \"64KiB\" can take twice \
             that on its way, which does not fit limits.outbox, \"127KiB\": lower the one or raise the other",
        ),
        (
            "[namespaces.chat]\npresence_grace = \"2h\"",
            "hub.toml:2:18: namespaces.chat.presence_grace: whoever leaves would be shown for more \
             than an hour: write at most \"1h\"",
        ),
        (
            "[namespaces.chat]\npresence = \"anyone\"",
            "hub.toml:2:12: namespaces.chat.presence: nobody may subscribe, so nobody is ever present: \
             write \"nobody\", or let somebody subscribe",
        ),
        (
            "allow_anonymous = 1",
            "hub.toml:1:19: allow_anonymous: 1 is neither true nor false",
        ),
        (
            "ping_interval = 25",
            "hub.toml:1:17: ping_interval: 25 is not a duration: write a number with its unit in \
             quotes, for example \"500ms\", \"25s\", \"5m\", \"2h\" or \"30d\"",
        ),
        (
            "ping_interval = \"2h\"",
            "hub.toml:1:17: ping_interval: it is from \"1s\" to \"1h\"",
        ),
        ("data = \"\"", "hub.toml:1:8: data: the path is empty"),
        (
            "data = 1",
            "hub.toml:1:8: data: 1 is not a text: put it in quotes",
        ),
        (
            "origins = [\"*\"]",
            "hub.toml:1:11: origins: \"*\" is not an origin: write each in full, as \
             https://app.example, or \"any\" to let in the pages of everybody",
        ),
        (
            "hosts = [\"https://app.example\"]",
            "hub.toml:1:9: hosts: \"https://app.example\" is an origin, and a host is wanted: write app.example",
        ),
        (
            "listen = []",
            "hub.toml:1:10: listen: there is no address: write for example [\"127.0.0.1:4000\"]",
        ),
        (
            "[tls]\ncert = \"a.pem\"",
            "hub.toml:2:8: tls.cert needs tls.key, its private key",
        ),
        (
            "[tls]\nkey = \"a.pem\"",
            "hub.toml:2:7: tls.key needs tls.cert, the certificate it belongs to",
        ),
        (
            "[namespaces.chat]\nrate = 1\n[namespaces.chat]\nburst = 2",
            "hub.toml:3:13: this is written twice: keep one",
        ),
        (
            "[namespaces.chat]\nrate = 1\nrate = 2",
            "hub.toml:3:1: this is written twice: keep one",
        ),
    ] {
        let said = wrong(text);
        assert_eq!(said, expected, "{text}");
    }
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_text() {
    let said = wrong(
        "listen = [\"0.0.0.0:4000\"]\nshards = -1\ndata = [\n[namespaces.b]\nburst = 0\n\
         [namespaces.a]\necho = \"yes\"\n",
    );
    let lines: Vec<&str> = said.lines().collect();
    for (line, begin) in lines.iter().zip([
        "hub.toml:1:10: listen: 0.0.0.0:4000 is reachable from other machines",
        "hub.toml:2:10: shards: -1 is not from 0 to 1024",
    ]) {
        assert!(line.starts_with(begin), "{said}");
    }
    assert!(said.contains("this is not TOML"), "{said}");
    assert!(lines.len() >= 3, "{said}");
}

#[test]
fn hostile_text_is_a_mistake_and_no_more() {
    for text in [
        "\u{0}",
        "=",
        "[",
        "[[namespaces]]",
        "[[namespaces.chat]]\nrate = 1",
        "namespaces = [1]",
        "listen = [[\"127.0.0.1:1\"]]",
        "listen = [\"127.0.0.1:1\u{1b}[2J\"]",
        "shards = 1e400",
        "shards = 99999999999999999999999999999999999999999999999999",
        "ping_interval = 1979-05-27",
        "\"\" = 1",
        "[namespaces.\"\"]",
        "[namespaces.\"\u{202e}\"]",
        "limits = \"x\"",
        "[limits.outbox]",
        "\u{feff}\u{feff}a=1",
        "a = '''",
        "ü = 1",
    ] {
        let said = wrong(text);
        assert!(
            said.starts_with("hub.toml:1:") || said.starts_with("hub.toml:2:"),
            "{said}"
        );
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    }
    assert!(load(&format!("a = {}", "[".repeat(100_000))).is_err());
    assert!(load(&format!("{} = 1", "a.".repeat(10_000) + "a")).is_err());
    let long = wrong(&format!("{} = 1", "a".repeat(100_000)));
    assert!(long.len() < 1000, "{}", long.len());
    assert!(load("").unwrap().notes.len() == 1, "an empty file is told");
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| {
        let file = Some(dir.path().join(name));
        let sources = Sources {
            file,
            ..Sources::default()
        };
        Config::load(&sources).unwrap_err().to_string()
    };
    assert!(read("none.toml").contains("none.toml: cannot be read"));
    std::fs::write(dir.path().join("latin.toml"), b"a = 1\nb = \"caf\xe9\"\n").unwrap();
    assert!(read("latin.toml").contains("latin.toml:2:9: is not UTF-8"));
    std::fs::write(dir.path().join("huge.toml"), "#".repeat(2 << 20)).unwrap();
    assert!(read("huge.toml").contains("1 MiB"));
    std::fs::write(
        dir.path().join("tls.toml"),
        "[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"",
    )
    .unwrap();
    let said = read("tls.toml");
    // Relative to the file, and the missing file is named.
    assert!(
        said.contains("tls.toml:2:8:") && said.contains(dir.path().join("c.pem").to_str().unwrap()),
        "{said}"
    );
}
