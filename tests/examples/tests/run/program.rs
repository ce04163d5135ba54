//! An example that runs.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// An example that serves. It is killed when this is dropped, and its directory is deleted.
pub(crate) struct Server {
    child: Child,
    address: String,
    _directory: TempDir,
}

impl Server {
    /// Starts it on a free port, in a directory of its own.
    pub(crate) fn start(program: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").current_dir(directory.path()).stdout(Stdio::piped());
        let mut child = command.spawn().expect(program);
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("http://").expect("the address").to_owned();
        Self { child, address, _directory: directory }
    }

    pub(crate) fn get(&self, path: &str, header: &str) -> Answer {
        self.ask("GET", path, header, "")
    }

    /// Asks as a browser does, of the same site.
    pub(crate) fn post(&self, path: &str, header: &str, form: &str) -> Answer {
        self.ask("POST", path, header, form)
    }

    fn ask(&self, method: &str, path: &str, header: &str, form: &str) -> Answer {
        let mut socket = TcpStream::connect(&self.address).expect("a connection");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        );
        socket.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer in UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Ends it at whatever it does.
pub(crate) fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "not in 20 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
