//! A minimal client of the Redis protocol (RESP 2) on a TCP socket.

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// A connection.
#[derive(Debug)]
pub struct Client {
    reader: Reader,
    writer: OwnedWriteHalf,
}

/// The half that receives replies.
#[derive(Debug)]
struct Reader {
    socket: OwnedReadHalf,
    buffer: Vec<u8>,
    start: usize,
}

/// A reply.
#[derive(Debug)]
pub enum Reply {
    /// An integer.
    Number(i64),
    /// A string.
    Bytes(Vec<u8>),
    /// An array of strings.
    Array(Vec<Vec<u8>>),
}

/// Appends a command.
pub fn encode(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.extend(format!("*{}\r\n", parts.len()).bytes());
    for part in parts {
        out.extend(format!("${}\r\n", part.len()).bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

impl Client {
    /// Connects to a host and port.
    pub async fn connect(address: &str) -> Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (socket, writer) = socket.into_split();
        Ok(Self { reader: Reader { socket, buffer: Vec::new(), start: 0 }, writer })
    }

    /// Sends a command and returns its reply.
    pub async fn call(&mut self, parts: &[&[u8]]) -> Result<Reply> {
        let mut out = Vec::with_capacity(128);
        encode(&mut out, parts);
        self.writer.write_all(&out).await?;
        self.reader.reply().await
    }

    /// Sends blocks of commands, each with the number of its commands, and reads their replies
    /// meanwhile, as `redis-cli --pipe` does. The replies are numbers; returns their sum.
    pub async fn pipe(&mut self, blocks: impl Iterator<Item = (Vec<u8>, usize)>) -> Result<u64> {
        let (counts, mut counted) = tokio::sync::mpsc::unbounded_channel();
        let (writer, reader) = (&mut self.writer, &mut self.reader);
        let write = async {
            for (block, commands) in blocks {
                writer.write_all(&block).await?;
                counts.send(commands)?;
            }
            drop(counts);
            anyhow::Ok(())
        };
        let read = async {
            let mut sum = 0;
            while let Some(commands) = counted.recv().await {
                for _ in 0..commands {
                    match reader.reply().await? {
                        Reply::Number(number) => sum += number.cast_unsigned(),
                        other => bail!("expected a number: {other:?}"),
                    }
                }
            }
            Ok(sum)
        };
        let ((), sum) = tokio::try_join!(write, read)?;
        Ok(sum)
    }
}

impl Reader {
    async fn reply(&mut self) -> Result<Reply> {
        let line = self.line().await?;
        let number = || anyhow::Ok(str::from_utf8(&line[1..])?.parse::<i64>()?);
        match line[0] {
            b':' => Ok(Reply::Number(number()?)),
            b'+' => Ok(Reply::Bytes(line[1..].to_vec())),
            b'$' => Ok(Reply::Bytes(self.bytes(number()?).await?)),
            b'*' => {
                let length = usize::try_from(number()?)?;
                let mut array = Vec::with_capacity(length);
                for _ in 0..length {
                    let header = self.line().await?;
                    array.push(self.bytes(str::from_utf8(&header[1..])?.parse()?).await?);
                }
                Ok(Reply::Array(array))
            }
            _ => bail!("the server replied {}", String::from_utf8_lossy(&line)),
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.start..];
            if let Some(at) = rest[searched..].iter().position(|&byte| byte == b'\r')
                && rest.len() > searched + at + 1
            {
                let line = rest[..searched + at].to_vec();
                self.start += line.len() + 2;
                return Ok(line);
            }
            searched = rest.len().saturating_sub(1);
            self.fill().await?;
        }
    }

    async fn bytes(&mut self, length: i64) -> Result<Vec<u8>> {
        let Ok(length) = usize::try_from(length) else { return Ok(Vec::new()) };
        while self.buffer.len() < self.start + length + 2 {
            self.fill().await?;
        }
        let bytes = self.buffer[self.start..self.start + length].to_vec();
        self.start += length + 2;
        Ok(bytes)
    }

    async fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.reserve(64 * 1024);
        if self.socket.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}
