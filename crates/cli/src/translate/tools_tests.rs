//! Commands for other tools, quoted so that they can be pasted.
#![allow(clippy::unwrap_used)]
use super::super::shell::split;
use super::*;
use clap::ValueEnum;

fn full() -> Wanted {
    Wanted {
        url: "wss://h.example/a b?x='$(id)'".to_owned(),
        protocols: vec!["v2".to_owned(), "v1".to_owned()],
        headers: vec![
            ("X-A".to_owned(), "it's \"1\"".to_owned()),
            ("x-a".to_owned(), String::new()),
        ],
        origin: Some("https://o".to_owned()),
        insecure: true,
        ca: Some("ca.pem".to_owned()),
        cert: Some("me.pem".to_owned()),
        key: Some("me.key".to_owned()),
        proxy: Some("http://p:1".to_owned()),
        redirects: true,
        messages: vec!["hi 'you'; rm".to_owned()],
        left_out: vec!["--resolve"],
    }
}

#[test]
fn each_tool_gets_its_own_words() {
    let wanted = Wanted {
        url: "ws://h:1/x".to_owned(),
        protocols: vec!["a".to_owned()],
        headers: vec![("B".to_owned(), "c".to_owned())],
        messages: vec!["hi".to_owned()],
        ..Wanted::default()
    };
    for (tool, text) in [
        (Tool::Wscat, "wscat -c ws://h:1/x -s a -H 'B: c' -x hi"),
        (
            Tool::Websocat,
            "printf '%s\\n' hi | websocat -n -H='B: c' --protocol=a ws://h:1/x",
        ),
        (
            Tool::Curl,
            "curl -i -N -g --http1.1 --max-time 5 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
             -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
             -H 'Sec-WebSocket-Protocol: a' -H 'B: c' http://h:1/x",
        ),
        (
            Tool::Js,
            "const socket = new WebSocket(\"ws://h:1/x\", [\"a\"]);\n\
             socket.onopen = () => {\n  socket.send(\"hi\");\n};\n\
             socket.onmessage = (event) => console.log(event.data);\n\
             socket.onclose = (event) => console.log(event.code, event.reason);",
        ),
        (
            Tool::Python,
            "from websockets.sync.client import connect\n\nwith connect(\n    \"ws://h:1/x\",\n    \
             additional_headers=[\n        (\"B\", \"c\"),\n    ],\n    subprotocols=[\"a\"],\n) as socket:\n    \
             socket.send(\"hi\")\n    for message in socket:\n        print(message)",
        ),
    ] {
        assert_eq!(translate(tool, &wanted).text, text, "{tool:?}");
    }
}

#[test]
fn nothing_in_a_value_gets_out_of_its_word() {
    let wanted = full();
    for tool in [Tool::Wscat, Tool::Curl] {
        let text = translate(tool, &wanted).text;
        let words = split(&text).unwrap();
        assert!(words.contains(&"X-A: it's \"1\"".to_owned()), "{text}");
        assert!(
            words
                .iter()
                .any(|word| word.ends_with("h.example/a b?x='$(id)'"))
        );
    }
    let text = translate(Tool::Websocat, &wanted).text;
    let (before, after) = text.split_once(" | ").unwrap();
    assert_eq!(split(before).unwrap(), ["printf", "%s\\n", "hi 'you'; rm"]);
    assert!(split(after).is_ok(), "{text}");
    for tool in Tool::value_variants() {
        let hostile = Wanted {
            url: "ws://h/\"\\\n</script>\u{2028}".to_owned(),
            ..Wanted::default()
        };
        let text = translate(*tool, &hostile).text;
        assert!(!text.contains('\u{2028}') || !matches!(tool, Tool::Js | Tool::Python));
    }
}

#[test]
fn what_a_tool_cannot_do_is_said() {
    let notes = |tool| translate(tool, &full()).notes.join("\n");
    assert!(notes(Tool::Wscat).contains("only the last header named x-a"));
    assert!(notes(Tool::Websocat).contains("no HTTP proxy"));
    assert!(notes(Tool::Curl).contains("sends no messages"));
    assert!(notes(Tool::Js).contains("takes no headers"));
    for tool in Tool::value_variants() {
        assert!(notes(*tool).contains("left out: --resolve"), "{tool:?}");
    }
    let python = translate(Tool::Python, &full()).text;
    assert!(python.contains("context.verify_mode = ssl.CERT_NONE"));
}
