//! Chromium, driven over its DevTools protocol by this project's own client.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidewire::WebSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A headless browser with a profile of its own; ended with the value.
pub struct Browser {
    child: Child,
    commands: mpsc::UnboundedSender<(Value, oneshot::Sender<Value>)>,
    /// What pages complained of: exceptions, and errors on their consoles.
    pub complaints: Arc<Mutex<Vec<String>>>,
    _profile: tempfile::TempDir,
}

/// A tab of the browser.
pub struct Tab<'a> {
    browser: &'a Browser,
    session: String,
}

impl Browser {
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(program());
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "about:blank",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        // It writes the port and the path of its own socket into the profile.
        let place = profile.path().join("DevToolsActivePort");
        let found = timeout(PATIENCE, async {
            loop {
                let text = std::fs::read_to_string(&place).unwrap_or_default();
                if let Some((port, path)) = text.trim().split_once('\n') {
                    return format!("ws://127.0.0.1:{port}{path}");
                }
                sleep(Duration::from_millis(50)).await;
            }
        });
        let socket = match found.await {
            Ok(url) => tidewire::connect(&url).await.unwrap(),
            Err(_) => panic!("Chromium did not say where it listens"),
        };
        let (commands, queue) = mpsc::unbounded_channel();
        let complaints: Arc<Mutex<Vec<String>>> = Arc::default();
        tokio::spawn(talk(socket, queue, complaints.clone()));
        Self {
            child,
            commands,
            complaints,
            _profile: profile,
        }
    }

    async fn command(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let (answer, answered) = oneshot::channel();
        let mut command = json!({"method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        self.commands.send((command, answer)).unwrap();
        let answer = timeout(PATIENCE, answered).await;
        let answer = answer.unwrap_or_else(|_| panic!("{method}: no answer"));
        let mut answer = answer.unwrap_or_else(|_| panic!("{method}: Chromium is gone"));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// A tab with a storage of its own, as another person's browser has; `width` in CSS pixels.
    pub async fn open(&self, url: &str, width: u32) -> Tab<'_> {
        let context = self
            .command(None, "Target.createBrowserContext", json!({}))
            .await;
        let params = json!({"url": "about:blank", "browserContextId": context["browserContextId"]});
        let target = self.command(None, "Target.createTarget", params).await;
        let params = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.command(None, "Target.attachToTarget", params).await;
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let tab = Tab {
            browser: self,
            session,
        };
        for domain in ["Runtime.enable", "Page.enable", "Log.enable"] {
            tab.command(domain, json!({})).await;
        }
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        tab.command("Emulation.setDeviceMetricsOverride", size)
            .await;
        tab.command("Page.navigate", json!({"url": url})).await;
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Tab<'_> {
    async fn command(&self, method: &str, params: Value) -> Value {
        self.browser
            .command(Some(&self.session), method, params)
            .await
    }

    /// What an expression gives in the page.
    pub async fn eval(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.command("Runtime.evaluate", params).await;
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true in the page; what it is about is in the failure.
    pub async fn until(&self, expression: &str) {
        let reached = timeout(PATIENCE, async {
            // While a page loads, elements are missing.
            let guarded = format!(
                "(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"
            );
            while self.eval(&guarded).await != json!(true) {
                sleep(Duration::from_millis(30)).await;
            }
        });
        if reached.await.is_err() {
            let shown = self.eval("document.body.innerText").await;
            let complaints = self.browser.complaints.lock().unwrap().join("; ");
            panic!("not true in time: {expression}\ncomplaints: {complaints}\npage: {shown}");
        }
    }

    /// Waits for an element, and puts the focus on it.
    async fn focus(&self, selector: &str) {
        let selector = json!(selector);
        self.until(&format!(
            "document.querySelector({selector})?.checkVisibility()"
        ))
        .await;
        self.eval(&format!("document.querySelector({selector}).focus()"))
            .await;
    }

    /// Types into a field as a keyboard does, and presses Enter.
    pub async fn say(&self, selector: &str, text: &str) {
        self.focus(selector).await;
        self.command("Input.insertText", json!({"text": text}))
            .await;
        self.enter().await;
    }

    pub async fn enter(&self) {
        for kind in ["keyDown", "keyUp"] {
            let mut key =
                json!({"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13});
            if kind == "keyDown" {
                key["text"] = "\r".into();
            }
            self.command("Input.dispatchKeyEvent", key).await;
        }
    }

    pub async fn click(&self, selector: &str) {
        self.focus(selector).await;
        self.eval(&format!(
            "document.querySelector({}).click()",
            json!(selector)
        ))
        .await;
    }

    /// The texts of all elements of that selector.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let all = format!(
            "[...document.querySelectorAll({})].map((e) => e.innerText)",
            json!(selector)
        );
        serde_json::from_value(self.eval(&all).await).unwrap()
    }

    /// Loads the page again, and waits until the old one is gone.
    pub async fn reload(&self) {
        self.eval("window.isOld = true").await;
        self.command("Page.reload", json!({})).await;
        self.until("!window.isOld && document.readyState === 'complete'")
            .await;
    }
}

/// Sends commands, gives each its answer, and notes what pages complain of.
async fn talk(
    mut socket: WebSocket,
    mut queue: mpsc::UnboundedReceiver<(Value, oneshot::Sender<Value>)>,
    complaints: Arc<Mutex<Vec<String>>>,
) {
    let waiting: Waiting = Arc::default();
    let mut next = 1;
    loop {
        tokio::select! {
            command = queue.recv() => {
                let Some((mut command, answer)) = command else { return };
                command["id"] = next.into();
                waiting.lock().unwrap().insert(next, answer);
                next += 1;
                if socket.send(command.to_string()).await.is_err() { return }
            }
            message = socket.recv() => {
                let Ok(Some(message)) = message else { return };
                let message: Value = serde_json::from_str(message.as_text().unwrap()).unwrap();
                if let Some(answer) = message["id"].as_u64().and_then(|id| waiting.lock().unwrap().remove(&id)) {
                    _ = answer.send(message);
                } else if let Some(complaint) = complaint(&message) {
                    complaints.lock().unwrap().push(complaint);
                }
            }
        }
    }
}

fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if params["type"] == "error" => Some(params["args"].to_string()),
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            Some(params["entry"].to_string())
        }
        _ => None,
    }
}

fn program() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    match found {
        Some(program) => program.display().to_string(),
        None => {
            panic!("these tests open pages: install Chromium (on Debian: apt-get install chromium)")
        }
    }
}
