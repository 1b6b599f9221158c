//! A service that looks at every byte it is sent, and takes nothing that could be read in two ways.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Wire {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What came over a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// One request with this target.
    Request(String),
    /// Something that is no request, or could be another.
    Unclear(String),
}

/// What is said of a message that ends in its middle, which nobody takes for a whole one.
pub const CUT: &str = "cut off";

struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

type Parsed<T> = Result<T, String>;

impl Wire {
    /// Answers every request with its target.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let sees = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    stream,
                    bytes: Vec::new(),
                };
                tokio::spawn(serve(connection, sees.clone()));
            }
        });

        Self {
            url: format!("http://{address}"),
            seen,
        }
    }

    /// What came since this was asked.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("no test panicked with it"))
    }
}

async fn serve(mut connection: Connection, seen: Arc<Mutex<Vec<Seen>>>) {
    loop {
        let request = connection.request().await;
        let noted = match &request {
            Ok(None) => return,
            Ok(Some(target)) => Seen::Request(target.clone()),
            Err(complaint) => Seen::Unclear(complaint.clone()),
        };
        seen.lock().expect("no test panicked with it").push(noted);
        let Ok(Some(target)) = request else { return };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            target.len()
        );
        let answer = head + &target;
        if connection
            .stream
            .write_all(answer.as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

impl Connection {
    /// The target of the next request, whose body was read; none at the end.
    async fn request(&mut self) -> Parsed<Option<String>> {
        let Some(head) = self.until(b"\r\n\r\n").await? else {
            return Ok(None);
        };
        let head = String::from_utf8(head).map_err(|_| "a head that is no text")?;
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap_or_default();
        let [_, target, "HTTP/1.1"] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("the line {line:?}"));
        };
        let (mut lengths, mut codings) = (Vec::new(), Vec::new());
        for line in lines {
            let (name, value) = header(line)?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => lengths.push(value),
                "transfer-encoding" => codings.push(value),
                _ => {}
            }
        }
        match (&lengths[..], &codings[..]) {
            ([], []) => {}
            ([length], []) => {
                let length = length
                    .parse()
                    .map_err(|_| format!("the length {length:?}"))?;
                self.exactly(length).await?;
            }
            ([], ["chunked"]) => self.chunks().await?,
            _ => return Err(format!("{lengths:?} and {codings:?}")),
        }

        Ok(Some(target.to_owned()))
    }

    async fn chunks(&mut self) -> Parsed<()> {
        loop {
            let size = self.until(b"\r\n").await?.ok_or(CUT)?;
            let size = String::from_utf8_lossy(&size).trim_end().to_owned();
            let is_plain = size.bytes().all(|byte| byte.is_ascii_hexdigit());
            let length = usize::from_str_radix(&size, 16).ok().filter(|_| is_plain);
            let length = length.ok_or_else(|| format!("the chunk {size:?}"))?;
            self.exactly(length).await?;
            if self.exactly(2).await? != b"\r\n" {
                return Err("a chunk without its end".to_owned());
            }
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// All up to `end` and with it; none when nothing comes any more.
    async fn until(&mut self, end: &[u8]) -> Parsed<Option<Vec<u8>>> {
        loop {
            let found = self.bytes.windows(end.len()).position(|bytes| bytes == end);
            if let Some(position) = found {
                let rest = self.bytes.split_off(position + end.len());
                return Ok(Some(std::mem::replace(&mut self.bytes, rest)));
            }
            if !self.read().await {
                let is_clean = self.bytes.is_empty();
                return is_clean.then_some(None).ok_or_else(|| CUT.to_owned());
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Parsed<Vec<u8>> {
        while self.bytes.len() < length {
            if !self.read().await {
                return Err(CUT.to_owned());
            }
        }
        let rest = self.bytes.split_off(length);

        Ok(std::mem::replace(&mut self.bytes, rest))
    }

    async fn read(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.bytes).await;

        read.is_ok_and(|length| length > 0)
    }
}

fn header(line: &str) -> Parsed<(&str, &str)> {
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        !name.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let (name, value) = line.split_once(':').unwrap_or_default();
    if !is_name(name) || value.contains(['\r', '\n', '\0']) {
        return Err(format!("the header {line:?}"));
    }

    Ok((name, value.trim_matches([' ', '\t'])))
}
