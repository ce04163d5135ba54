//! A TCP proxy in front of a server, which can delay, stall and cut connections.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::{sleep, spawn},
    time::Duration,
};

/// Its threads end with the process.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// How many connections were accepted; the first is number 0.
    accepted: AtomicUsize,
    /// Connections with a lower number forward nothing.
    stalled_below: AtomicUsize,
    /// The delay in milliseconds in each direction.
    delay: AtomicU64,
    streams: Mutex<Vec<TcpStream>>,
    /// The bytes from the server since the last ones from the client.
    answer: AtomicUsize,
    longest_answer: AtomicUsize,
}

impl Proxy {
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), shared: Arc::default() };
        let shared = Arc::clone(&proxy.shared);
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                _ = (client.set_nodelay(true), server.set_nodelay(true));
                for (from, to, is_answer) in [(&client, &server, false), (&server, &client, true)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = Arc::clone(&shared);
                    spawn(move || shared.copy(number, is_answer, from, to));
                }
                shared.streams.lock().unwrap().extend([client, server]);
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn delay(&self, milliseconds: u64) {
        self.shared.delay.store(milliseconds, Ordering::SeqCst);
    }

    /// Forwards nothing any more on the current connections, as a firewall does that dropped their
    /// state.
    pub fn stall(&self) {
        self.shared.stalled_below.store(self.accepted(), Ordering::SeqCst);
    }

    /// Forwards what was held back.
    pub fn resume(&self) {
        self.shared.stalled_below.store(0, Ordering::SeqCst);
    }

    /// Closes the current connections.
    pub fn cut(&self) {
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// The bytes of the longest answer since the last call, of one connection and one caller.
    pub fn take_longest_answer(&self) -> usize {
        self.shared.longest_answer.swap(0, Ordering::SeqCst)
    }

    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn copy(&self, number: usize, is_answer: bool, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = vec![0; 65_536];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
            self.wait(number);
            if is_answer {
                let answer = self.answer.fetch_add(read, Ordering::SeqCst) + read;
                self.longest_answer.fetch_max(answer, Ordering::SeqCst);
            } else {
                self.answer.store(0, Ordering::SeqCst);
            }
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        self.wait(number);
        // What was sent before is still delivered.
        _ = to.shutdown(Shutdown::Write);
    }

    fn wait(&self, number: usize) {
        while number < self.stalled_below.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(2));
        }
    }
}
