//! The proxies of others as child processes; the tests of the command line start them too.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program of others that runs until this is dropped.
pub struct Program {
    child: Child,
    pub port: u16,
    files: Option<PathBuf>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(files) = &self.files {
            let _ = std::fs::remove_dir_all(files);
        }
    }
}

impl Program {
    /// Starts a program on a free port and waits until it listens there.
    fn start(name: &str, mut arguments: impl FnMut(u16) -> (Vec<String>, Option<PathBuf>)) -> Self {
        // Between finding a free port and taking it somebody else may: then again.
        for _ in 0..5 {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let (arguments, files) = arguments(port);
            let child = Command::new(name)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let child = child.unwrap_or_else(|error| {
                panic!("cannot run {name} ({error}): install it with `apt-get install {name}`")
            });
            let mut program = Self { child, port, files };
            for _ in 0..1000 {
                if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return program;
                }
                if !matches!(program.child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        panic!("{name} does not listen on any port that was given to it");
    }

    /// tinyproxy, which wants `login` (`user password`) if there is one.
    pub fn tinyproxy(login: Option<&str>) -> Self {
        Self::start("tinyproxy", |port| {
            let folder = format!("tidewire-tinyproxy-{}-{port}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            let mut text = format!(
                "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Error\n\
                 LogFile \"{0}/log\"\nPidFile \"{0}/pid\"\n",
                folder.display()
            );
            if let Some(login) = login {
                text += &format!("BasicAuth {login}\n");
            }
            let file = folder.join("tinyproxy.conf");
            std::fs::write(&file, text).unwrap();
            let arguments = ["-d", "-c", file.to_str().unwrap()].map(String::from);
            (arguments.to_vec(), Some(folder))
        })
    }

    /// microsocks, which wants a user name and a password if they are there.
    pub fn microsocks(login: Option<(&str, &str)>) -> Self {
        Self::start("microsocks", |port| {
            let mut arguments = vec!["-i".into(), "127.0.0.1".into()];
            arguments.extend(["-p".to_owned(), port.to_string()]);
            if let Some((user, password)) = login {
                arguments.extend(["-u", user, "-P", password].map(String::from));
            }
            (arguments, None)
        })
    }
}
