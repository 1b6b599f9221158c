//! A way to a store that can be cut, and made slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What ends connections, and what has the store hear nothing over them.
#[derive(Clone, Default)]
struct Fate {
    cut: CancellationToken,
    deafened: CancellationToken,
}

/// Forwards connections to a store, until it is cut. It ends with the test's runtime.
pub struct Proxy {
    /// The store's connection string, with this way's address in it.
    pub url: String,
    /// What becomes of the connections of today, and of those made while the way is closed.
    fate: Arc<Mutex<Fate>>,
    /// Milliseconds.
    delay: Arc<AtomicU64>,
}

impl Proxy {
    /// A way to the store behind `url`, `scheme://…@host:port/…`, closed until [`Proxy::reopen`].
    pub async fn closed(url: &str) -> Self {
        let target = host_and_port(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let closed = Fate::default();
        closed.cut.cancel();
        let proxy = Self {
            url: url.replacen(&target, &address.to_string(), 1),
            fate: Arc::new(Mutex::new(closed)),
            delay: Arc::new(AtomicU64::new(0)),
        };

        let (current, delay) = (proxy.fate.clone(), proxy.delay.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fate = current
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                tokio::spawn(forward(client, target.clone(), fate, delay.clone()));
            }
        });

        proxy
    }

    /// A way to the store behind `url` that is open.
    pub async fn open(url: &str) -> Self {
        let proxy = Self::closed(url).await;
        proxy.reopen();
        proxy
    }

    /// Ends every connection; new ones end at once, until the way is open again.
    pub fn cut(&self) {
        self.current().cut.cancel();
    }

    pub fn reopen(&self) {
        *self.current() = Fate::default();
    }

    /// Whatever is said to the store over the connections there are, and new ones, is lost, and nobody is told; until the
    /// way is open again for new ones.
    pub fn deafen(&self) {
        self.current().deafened.cancel();
    }

    /// Whatever the store says from here on arrives so much later. Nothing is lost; for long enough, the store is silent.
    pub fn delay(&self, delay: Duration) {
        let milliseconds = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.delay.store(milliseconds, Ordering::Relaxed);
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn forward(client: TcpStream, target: String, fate: Fate, delay: Arc<AtomicU64>) {
    let copy = async {
        let store = TcpStream::connect(target).await?;
        store.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let (asking, mut asked) = client.into_split();
        let (answering, listening) = store.into_split();
        tokio::select! {
            ended = ask(asking, listening, &fate.deafened) => ended,
            ended = answer(answering, &mut asked, &delay) => ended,
        }
    };
    tokio::select! {
        biased;
        () = fate.cut.cancelled() => {}
        _ = copy => {}
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    deafened: &CancellationToken,
) -> std::io::Result<()> {
    tokio::select! {
        ended = tokio::io::copy(&mut from, &mut to) => return ended.map(drop),
        () = deafened.cancelled() => {}
    }
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;

    Ok(())
}

async fn answer(
    mut from: OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    delay: &AtomicU64,
) -> std::io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
        to.write_all(&chunk[..length]).await?;
    }
}

fn host_and_port(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or(authority);

    authority
        .rsplit_once('@')
        .map_or(authority, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_found_in_its_connection_string() {
        for url in [
            "amqp://guest:guest@127.0.0.1:5672/%2f",
            "mongodb://127.0.0.1:5672/x?a=b",
            "127.0.0.1:5672",
        ] {
            assert_eq!(host_and_port(url), "127.0.0.1:5672", "{url}");
        }
    }
}
