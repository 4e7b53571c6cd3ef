//! The plain pages of the hub in Chromium: two people chat, reload, lose the hub and come back; the tester echoes.
#![allow(clippy::unwrap_used)]

mod browser;

use browser::{Browser, Tab};
use std::time::Duration;
use tidewire_hub::config::{Config, Pages};
use tidewire_hub::{Guard, Hub};
use tidewire_hub_core::{Access, Namespace, Storage};

const ENTERED: &str = "document.querySelector('#state').dataset.state === 'open'";

/// A hub whose `chat` lasts and whose `live` does not, open to all; who is in `quiet` is not told, and
/// `closed` is closed.
async fn start(folder: &std::path::Path, listen: &str) -> Hub {
    let mut config = Config::default();
    config.listen = vec![listen.to_owned()];
    config.guard = Guard::new(&config.listen, Vec::new(), Vec::new(), true);
    config.pages = Pages::Plain;
    config.shards = 2;
    config.data = folder.to_owned();
    for (name, storage) in [
        ("chat", Storage::Durable),
        ("live", Storage::Memory),
        ("quiet", Storage::Memory),
        ("closed", Storage::Memory),
    ] {
        let mut namespace = Namespace::default();
        namespace.storage = storage;
        let open_if = |open: bool| if open { Access::Anyone } else { Access::Nobody };
        namespace.subscribe = open_if(name != "closed");
        namespace.publish = open_if(name != "closed");
        namespace.presence = open_if(name != "closed" && name != "quiet");
        namespace.log.max_records = 1_000;
        namespace.rate = 1_000;
        namespace.burst = 1_000;
        config.settings.namespaces.insert(name.into(), namespace);
    }
    Hub::start(config, |_| {})
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn stop(hub: Hub) {
    hub.shut_down(Duration::from_secs(20)).await;
}

fn http(hub: &Hub, path: &str) -> String {
    format!("http://{}{path}", hub.addrs()[0])
}

/// Opens the room and takes a name.
async fn join<'a>(browser: &'a Browser, url: &str, name: &str, width: u32) -> Tab<'a> {
    let tab = browser.open(url, width).await;
    tab.until(ENTERED).await;
    tab.say("#name", name).await;
    tab.until("document.querySelector('#text').checkVisibility()")
        .await;
    tab
}

/// Waits for a message of exactly that text, `times` over.
async fn sees(tab: &Tab<'_>, text: &str, times: usize) {
    let text = serde_json::json!(text);
    tab.until(&format!(
        "[...document.querySelectorAll('li.message:not(.pending) .text')].filter((e) => e.textContent === {text}).length === {times}"
    ))
    .await;
}

/// Nothing complained, and the page is as wide as its window.
async fn is_well(browser: &Browser, tabs: &[&Tab<'_>]) {
    for tab in tabs {
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert!(tab.eval(fits).await == true, "wider than the window");
    }
    let complaints = browser.complaints.lock().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test]
async fn two_people_chat_and_one_reloads() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(folder.path(), "127.0.0.1:0").await;
    let browser = Browser::start().await;
    let room = http(&hub, "/chat/test%20room");
    let ann = join(&browser, &room, "Ann", 1280).await;
    let bob = join(&browser, &room, "Bob <b>", 390).await;
    ann.until("document.querySelector('#people').innerText.includes('Bob <b>')")
        .await;
    assert_eq!(ann.texts("#room").await, ["test room"]);

    ann.say("#text", "hello <i>Bob</i> https://example.com/a?b=c.")
        .await;
    sees(&bob, "hello <i>Bob</i> https://example.com/a?b=c.", 1).await;
    let link = "document.querySelector('.text a')";
    let shown = bob
        .eval(&format!("[{link}.href, {link}.rel, {link}.target]"))
        .await;
    let wanted = serde_json::json!([
        "https://example.com/a?b=c",
        "noopener noreferrer nofollow",
        "_blank"
    ]);
    assert_eq!(shown, wanted);
    assert_eq!(bob.texts("li.message .who").await, ["Ann"]);
    bob.say("#text", "hello Ann").await;
    sees(&ann, "hello Ann", 1).await;
    sees(&bob, "hello Ann", 1).await;
    bob.until("document.querySelector('li.own .state').textContent.includes('sent')")
        .await;

    let url = hub.addrs()[0];
    let plain = tidewire::connect(&format!("ws://{url}/chat/test%20room?name=wscat"))
        .await
        .unwrap();
    plain.send("plain words").await.unwrap();
    plain.send(vec![1, 2, 3]).await.unwrap();
    sees(&ann, "plain words", 1).await;
    ann.until("document.querySelector('#log').innerText.includes('binary, 3 B')")
        .await;

    ann.reload().await;
    ann.until(ENTERED).await;
    for text in ["hello Ann", "plain words"] {
        sees(&ann, text, 1).await;
    }
    // She is the same guest: her words are hers, and nobody saw her go.
    assert_eq!(ann.texts("li.own .text").await.len(), 1);
    ann.say("#text", "here again").await;
    sees(&bob, "here again", 1).await;
    let notes = bob.texts("li.note").await.join("; ");
    assert!(!notes.contains("left"), "{notes}");
    is_well(&browser, &[&ann, &bob]).await;
    drop(browser);
    drop(plain);
    stop(hub).await;
}

#[tokio::test]
async fn older_pages_come_by_scrolling_up() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(folder.path(), "127.0.0.1:0").await;
    let mut writer = tidewire::connect(&format!("ws://{}/ws", hub.addrs()[0]))
        .await
        .unwrap();
    for number in 0..130 {
        let publish = format!(
            r#"{{"op":"publish","id":{number},"channel":"long","data":{{"text":"line {number}"}}}}"#
        );
        writer.send(publish).await.unwrap();
        while let Some(message) = writer.recv().await.unwrap() {
            if message.as_text().unwrap().contains("\"ok\"") {
                break;
            }
        }
    }
    let browser = Browser::start().await;
    let tab = browser.open(&http(&hub, "/chat/long"), 390).await;
    tab.until(ENTERED).await;
    sees(&tab, "line 129", 1).await;
    sees(&tab, "line 0", 0).await;
    tab.until("(document.querySelector('#log').scrollTop = 0, document.querySelector('#beginning').checkVisibility())")
        .await;
    let texts = tab.texts("li.message .text").await;
    let wanted: Vec<String> = (0..130).map(|number| format!("line {number}")).collect();
    assert_eq!(texts, wanted, "each once, in order");
    is_well(&browser, &[&tab]).await;
    drop(browser);
    drop(writer);
    stop(hub).await;
}

#[tokio::test]
async fn what_is_written_while_the_hub_is_away_is_sent_once() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(folder.path(), "127.0.0.1:0").await;
    let address = hub.addrs()[0].to_string();
    let browser = Browser::start().await;
    let room = http(&hub, "/chat/away");
    let ann = join(&browser, &room, "Ann", 1280).await;
    let bob = join(&browser, &room, "Bob", 1280).await;
    ann.say("#text", "before").await;
    sees(&bob, "before", 1).await;
    // What is in memory only is gone with the hub, and the room says that something may be missing.
    let live = join(&browser, &http(&hub, "/c/live:away"), "Cy", 390).await;
    live.say("#text", "forgotten").await;
    sees(&live, "forgotten", 1).await;
    stop(hub).await;
    ann.until("document.querySelector('#banner').checkVisibility()")
        .await;
    ann.say("#text", "while away").await;
    ann.until("document.querySelector('li.pending .text')?.textContent === 'while away'")
        .await;
    // A browser says on its console that it could not connect: that is no complaint.
    let hub = start(folder.path(), &address).await;
    for tab in [&ann, &bob] {
        tab.until(ENTERED).await;
        sees(tab, "while away", 1).await;
        sees(tab, "before", 1).await;
    }
    live.until("document.querySelector('#log').innerText.includes('may be missing')")
        .await;
    live.say("#text", "after").await;
    sees(&live, "after", 1).await;
    sees(&live, "forgotten", 1).await;
    ann.until("!document.querySelector('li.pending') && !document.querySelector('#banner').checkVisibility()")
        .await;
    drop(browser);
    stop(hub).await;
}

#[tokio::test]
async fn the_front_page_shows_its_own_address_and_its_tester_echoes() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(folder.path(), "127.0.0.1:0").await;
    let browser = Browser::start().await;
    for width in [320, 390, 1280] {
        let tab = browser.open(&http(&hub, "/"), width).await;
        tab.until("document.querySelector('.snippet button')").await;
        let address = hub.addrs()[0];
        let commands = tab.texts(".snippet pre").await.join("\n");
        assert!(commands.contains(&format!("new WebSocket(\"ws://{address}/chat/lobby\")")));
        assert!(!commands.contains("localhost:4000"), "{commands}");
        tab.click("#toggle").await;
        tab.say("#text:enabled", "hello <b>").await;
        tab.until("document.querySelector('#frames li.in pre')?.textContent === 'hello <b>'")
            .await;
        tab.eval("document.querySelector('#kind').value = 'hex'")
            .await;
        tab.say("#text", "00 ff").await;
        tab.until(
            "document.querySelector('#frames li:last-child.in pre')?.textContent === '00 ff'",
        )
        .await;
        tab.click("#toggle").await;
        tab.until("document.querySelector('#frames').innerText.includes('closed: 1000')")
            .await;
        is_well(&browser, &[&tab]).await;
    }
    let tab = browser.open(&http(&hub, "/"), 1280).await;
    tab.until("document.querySelector('.snippet button')").await;
    tab.eval("document.querySelector('#url').value = '/nothing'")
        .await;
    tab.click("#toggle").await;
    tab.until(
        "document.querySelector('#frames li.problem')?.innerText.includes('nothing at /nothing')",
    )
    .await;
    drop(browser);
    stop(hub).await;
}

#[tokio::test]
async fn what_may_not_be_seen_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(folder.path(), "127.0.0.1:0").await;
    let browser = Browser::start().await;
    let quiet = join(&browser, &http(&hub, "/c/quiet:x"), "Ann", 1280).await;
    quiet.say("#text", "hello").await;
    sees(&quiet, "hello", 1).await;
    quiet
        .until("document.querySelector('#no-people').checkVisibility()")
        .await;
    let closed = browser.open(&http(&hub, "/c/closed:x"), 390).await;
    closed
        .until("document.querySelector('#banner-text').innerText.includes('may not')")
        .await;
    // A name with a character that nobody sees is refused, and said why.
    let room = browser.open(&http(&hub, "/chat/names"), 390).await;
    room.until(ENTERED).await;
    room.say("#name", "A\u{200b}nn").await;
    room.until("document.querySelector('#name-problem').innerText.includes('invisible')")
        .await;
    is_well(&browser, &[&quiet, &closed, &room]).await;
    drop(browser);
    stop(hub).await;
}

/// A page that loads something from elsewhere, or has scripts inside, would break its own policy.
#[test]
fn pages_need_nothing_from_elsewhere() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        seen += 1;
        for bad in [
            "innerHTML",
            "insertAdjacentHTML",
            "eval(",
            " style=",
            " onclick=",
            "@import",
            "url(",
        ] {
            assert!(!text.contains(bad), "{name}: {bad}");
        }
        for tag in text.split("<script").skip(1) {
            assert!(
                !tag.contains('>') || tag.starts_with(" type=\"module\" src=\""),
                "{name}"
            );
        }
        for attribute in ["src=\"", "href=\""] {
            for reference in text.split(attribute).skip(1) {
                let is_elsewhere = reference.starts_with("//")
                    || reference.starts_with("http") && !reference.starts_with("http://localhost");
                assert!(!is_elsewhere, "{name}: {attribute}{reference:.40}");
            }
        }
    }
    assert!(seen >= 6, "{seen}");
}
