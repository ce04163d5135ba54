//! The login of MySQL 8 and later, `caching_sha2_password`, as far as the server asks for a
//! password that is not in its cache.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

use anyhow::Result;

/// A public key whose private key was discarded: passwords are not decrypted.
const PUBLIC_KEY: &str = include_str!("password.pem");
/// Protocol 4.1 with a database, `SECURE_CONNECTION` and `PLUGIN_AUTH`, and no TLS.
const CAPABILITIES: u32 = 0x0008_a208;

/// Only the login of a server: it asks for the password by its public key, then refuses it.
#[derive(Debug)]
pub struct PasswordServer {
    /// Where it listens.
    pub port: u16,
    /// The length of each password that came, encrypted.
    pub passwords: Receiver<usize>,
}

impl PasswordServer {
    /// Listens, until the program ends.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (sender, passwords) = channel();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A client that gives up reports it to the test itself.
                if let Ok(length) = login(client)
                    && sender.send(length).is_err()
                {
                    break;
                }
            }
        });
        Ok(Self { port, passwords })
    }
}

fn login(mut client: TcpStream) -> Result<usize> {
    let [low_1, low_2, high_1, high_2] = CAPABILITIES.to_le_bytes();
    let greeting = [
        b"\x0a8.4.0\0\x01\0\0\0",
        &b"01234567\0"[..],
        &[low_1, low_2, 255, 2, 0, high_1, high_2, 21],
        &[0; 10],
        b"0123456789ab\0caching_sha2_password\0",
    ];
    write(&mut client, 0, &greeting.concat())?;
    read(&mut client)?;
    // "Full authentication": a cache miss.
    write(&mut client, 2, &[1, 4])?;
    read(&mut client)?;
    write(&mut client, 4, &[&[1], PUBLIC_KEY.as_bytes()].concat())?;
    let password = read(&mut client)?;
    write(&mut client, 6, b"\xff\x15\x04#28000Access denied for user")?;
    Ok(password.len())
}

/// A packet: its length, its number and its payload.
fn write(client: &mut TcpStream, number: u8, payload: &[u8]) -> Result<()> {
    let length = u32::try_from(payload.len())?.to_le_bytes();
    Ok(client.write_all(&[&length[..3], &[number], payload].concat())?)
}

fn read(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut header = [0; 4];
    client.read_exact(&mut header)?;
    header[3] = 0;
    let mut payload = vec![0; usize::try_from(u32::from_le_bytes(header))?];
    client.read_exact(&mut payload)?;
    Ok(payload)
}
