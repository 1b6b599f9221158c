//! A way to the broker that can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use lapin::uri::AMQPUri;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub struct Proxy {
    pub url: String,
    address: SocketAddr,
    open: Arc<Mutex<CancellationToken>>,
}

impl Proxy {
    /// A way that is closed until [`Proxy::open`].
    pub async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut uri: AMQPUri = test_kit::rabbitmq_url().parse().expect("an address");
        let broker = (uri.authority.host.clone(), uri.authority.port);
        uri.authority.host = address.ip().to_string();
        uri.authority.port = address.port();

        let closed = CancellationToken::new();
        closed.cancel();
        let open = Arc::new(Mutex::new(closed));
        let current = open.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = current.lock().expect("no panic").clone();
                tokio::spawn(forward(client, broker.clone(), cut));
            }
        });

        Self {
            url: uri.to_string(),
            address,
            open,
        }
    }

    pub async fn open() -> Self {
        let proxy = Self::closed().await;
        proxy.reopen();
        proxy
    }

    /// Ends every connection; new ones end at once, until the way is open again.
    pub fn cut(&self) {
        self.open.lock().expect("no panic").cancel();
    }

    pub fn reopen(&self) {
        *self.open.lock().expect("no panic") = CancellationToken::new();
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn forward(mut client: TcpStream, broker: (String, u16), cut: CancellationToken) {
    let copy = async {
        let mut broker = TcpStream::connect(broker).await?;
        tokio::io::copy_bidirectional(&mut client, &mut broker).await
    };
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        _ = copy => {}
    }
}
