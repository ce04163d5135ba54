//! `serve`: the page, over a socket.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Home;

/// The program while it serves, and the address that it has printed.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut child = home.command(&arguments).spawn().expect("it starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        stdout.read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix("http://").expect("a URL");
        let address = url.strip_suffix("/feed").expect("a path").to_owned();
        Self { child, address }
    }

    /// The answer to a browser that asks for this host.
    fn get(&self, path: &str, host: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer in UTF-8");
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_shows_the_page_of_one_user_until_it_is_interrupted() {
    let home = Home::new();
    home.ok(&["add", "--user", "42", "to ann"]);
    home.ok(&["add", "--user", "43", "to bob"]);
    let mut served = Served::start(&home, &["42"]);
    let page = served.get("/feed", &served.address);
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("to ann") && !page.contains("to bob"), "{page}");
    kill_process(Pid::from_child(&served.child), Signal::INT).expect("a signal");
    assert_eq!(served.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn serve_answers_no_name_that_was_made_to_lead_here() {
    let home = Home::new();
    let served = Served::start(&home, &["42"]);
    for host in ["evil.example", "evil.example:3000", "127.0.0.1.evil.example"] {
        assert!(served.get("/feed", host).starts_with("HTTP/1.1 403"), "{host}");
    }
    for host in ["localhost", "localhost:3000", "127.0.0.1", "[::1]:3000"] {
        assert!(served.get("/feed", host).starts_with("HTTP/1.1 200"), "{host}");
    }
}

#[test]
fn serve_listens_on_this_machine_alone() {
    let home = Home::new();
    let ran = home.run(&["serve", "42", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("listen on 127.0.0.1"), "{}", ran.stderr);
}

#[test]
fn serve_has_a_demo_that_needs_nothing() {
    let home = Home::unmigrated("", &[]);
    let served = Served::start(&home, &["--demo"]);
    let page = served.get("/feed", &served.address);
    assert!(page.contains("Maintenance on Sunday"), "{page}");
}
