//! Bytes at Cloudinary: signed uploads, downloads and deletions of its upload API,
//! <https://cloudinary.com/documentation/image_upload_api_reference>.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{FutureExt, SinkExt, StreamExt, TryStreamExt};
use reqwest::header::RANGE;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::media_type::MediaType;
use crate::storage::signature::{SignatureAlgorithm, signature};
use crate::storage::{
    ByteStream, ConfigError, Name, Outcome, Silent, Storage, StorageConfig, StorageError, Writer,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two pieces of an answer, and after the last piece of an upload.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// Cloudinary looks into a film before it answers.
const FINISH_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct Cloudinary {
    client: Client,
    /// `<api>/v1_1/<cloud>`
    root: String,
    key: String,
    secret: SecretString,
    algorithm: SignatureAlgorithm,
}

#[derive(Debug)]
struct CloudinaryWriter {
    account: Cloudinary,
    name: Name,
    sending: Option<Sending>,
}

/// The request of an upload while it runs.
#[derive(Debug)]
struct Sending {
    bytes: mpsc::Sender<Result<Bytes, std::io::Error>>,
    answer: JoinHandle<Result<(), StorageError>>,
}

#[derive(Debug, Deserialize)]
struct Destroyed {
    result: String,
}

#[derive(Debug, thiserror::Error)]
#[error("Cloudinary answered {0}")]
struct Refused(String);

impl Cloudinary {
    pub fn new(config: &StorageConfig) -> Result<Self, ConfigError> {
        let url = config.needed("CLOUDINARY_URL", &config.cloudinary_url)?;
        let url = Url::parse(url.expose_secret()).map_err(|_| ConfigError::CloudinaryUrl)?;
        let (key, secret) = (url.username(), url.password().unwrap_or_default());
        let cloud = url.host_str().unwrap_or_default();
        if url.scheme() != "cloudinary" || key.is_empty() || secret.is_empty() || cloud.is_empty() {
            return Err(ConfigError::CloudinaryUrl);
        }
        let wants_sha256 = url
            .query_pairs()
            .any(|(name, value)| name == "signature_algorithm" && value == "sha256");
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(FINISH_TIMEOUT)
            .build()
            .map_err(ConfigError::Client)?;
        let api = config.cloudinary_api_url.trim_end_matches('/');

        Ok(Self {
            client,
            root: format!("{api}/v1_1/{cloud}"),
            key: key.to_owned(),
            secret: secret.into(),
            algorithm: if wants_sha256 {
                SignatureAlgorithm::Sha256
            } else {
                SignatureAlgorithm::Sha1
            },
        })
    }

    fn action(&self, name: Name, action: &str) -> String {
        let kind = match name.media_type {
            MediaType::Mp4 => "video",
            MediaType::Jpeg | MediaType::Png | MediaType::Gif | MediaType::WebP => "image",
        };

        format!("{}/{kind}/{action}", self.root)
    }

    /// `parameters` about `name`, signed at this moment.
    fn signed(&self, name: Name, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let mut parameters = vec![
            ("public_id", name.file.to_hex()),
            ("timestamp", now.as_secs().to_string()),
        ];
        parameters.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let signature = signature(self.algorithm, &parameters, self.secret.expose_secret());
        parameters.push(("api_key", self.key.clone()));
        parameters.push(("signature", signature));

        parameters
    }
}

impl Storage for Cloudinary {
    fn prepare(&self) -> Outcome<'_, ()> {
        async { Ok(()) }.boxed()
    }

    fn writer(&self, name: Name) -> Box<dyn Writer> {
        Box::new(CloudinaryWriter {
            account: self.clone(),
            name,
            sending: None,
        })
    }

    fn read(&self, name: Name, first: u64, last: u64) -> Outcome<'_, Option<ByteStream>> {
        async move {
            let doing = "read a file at Cloudinary";
            let parameters = self.signed(name, &[("format", name.media_type.extension())]);
            let asked = self
                .client
                .get(self.action(name, "download"))
                .query(&parameters)
                .header(RANGE, format!("bytes={first}-{last}"))
                .send();
            let answer = in_time(doing, ANSWER_TIMEOUT, asked).await?;
            if answer.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            // A server may answer a range with everything.
            let skipped = match answer.status() {
                StatusCode::PARTIAL_CONTENT => 0,
                _ => first,
            };
            let answer = accepted(doing, answer).await?;
            let bytes = answer
                .bytes_stream()
                .map_err(move |error| StorageError::away(doing, error));

            Ok(Some(part(bytes.boxed(), skipped, last - first + 1)))
        }
        .boxed()
    }

    fn delete(&self, name: Name, _parts: Option<String>) -> Outcome<'_, ()> {
        async move {
            let doing = "delete a file at Cloudinary";
            let parameters = self.signed(name, &[("invalidate", "true")]);
            let mut form = Form::new();
            for (name, value) in parameters {
                form = form.text(name, value);
            }
            let asked = self
                .client
                .post(self.action(name, "destroy"))
                .multipart(form)
                .send();
            let answer = in_time(doing, ANSWER_TIMEOUT, asked).await?;
            let answer = accepted(doing, answer).await?;
            let answer: Destroyed = answer
                .json()
                .await
                .map_err(|error| StorageError::failed(doing, error))?;

            match answer.result.as_str() {
                "ok" | "not found" => Ok(()),
                other => Err(StorageError::failed(
                    doing,
                    Refused(format!("{other:.100}")),
                )),
            }
        }
        .boxed()
    }
}

impl Writer for CloudinaryWriter {
    fn write(&mut self, bytes: Bytes) -> Outcome<'_, ()> {
        async move {
            if self.sending.is_none() {
                self.sending = Some(self.begin());
            }
            let Some(sending) = &mut self.sending else {
                return Ok(());
            };
            let sent = tokio::time::timeout(ANSWER_TIMEOUT, sending.bytes.send(Ok(bytes))).await;
            match sent {
                Ok(Ok(())) => Ok(()),
                // The answer came before the end, and says why.
                Ok(Err(_)) => self.end().await,
                Err(_) => Err(StorageError::away("upload to Cloudinary", Silent)),
            }
        }
        .boxed()
    }

    fn finish(&mut self) -> Outcome<'_, ()> {
        self.end().boxed()
    }
}

impl CloudinaryWriter {
    fn begin(&self) -> Sending {
        let (sender, receiver) = mpsc::channel(0);
        let mut form = Form::new();
        for (name, value) in self.account.signed(self.name, &[]) {
            form = form.text(name, value);
        }
        let file = Part::stream(Body::wrap_stream(receiver)).file_name("file");
        let url = self.account.action(self.name, "upload");
        let asked = self
            .account
            .client
            .post(url)
            .multipart(form.part("file", file));
        let answer = tokio::spawn(async move {
            let doing = "upload to Cloudinary";
            let answer = asked.send().await;
            let answer = answer.map_err(|error| StorageError::away(doing, error))?;
            accepted(doing, answer).await.map(drop)
        });

        Sending {
            bytes: sender,
            answer,
        }
    }

    /// Ends the body and hears the answer.
    async fn end(&mut self) -> Result<(), StorageError> {
        let doing = "upload to Cloudinary";
        let Some(Sending { bytes, mut answer }) = self.sending.take() else {
            return Err(StorageError::failed(doing, "it had ended before"));
        };
        drop(bytes);
        match tokio::time::timeout(FINISH_TIMEOUT, &mut answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(StorageError::failed(doing, error)),
            Err(_) => {
                answer.abort();
                Err(StorageError::away(doing, Silent))
            }
        }
    }
}

impl Drop for CloudinaryWriter {
    /// An upload that is given up must not look whole: its request is cut off, not ended.
    fn drop(&mut self) {
        if let Some(sending) = &self.sending {
            sending.answer.abort();
        }
    }
}

/// `length` bytes of `bytes`, without the first `skipped`.
fn part(bytes: ByteStream, skipped: u64, length: u64) -> ByteStream {
    let cut = move |(skipped, left): &mut (u64, u64), mut piece: Bytes| {
        let ahead = (*skipped).min(piece.len() as u64);
        *skipped -= ahead;
        let mut piece = piece.split_off(ahead as usize);
        piece.truncate((*left).min(piece.len() as u64) as usize);
        *left -= piece.len() as u64;
        piece
    };

    bytes
        .scan((skipped, length), move |state, piece| {
            let is_over = state.1 == 0;
            let piece = piece.map(|piece| cut(state, piece));
            futures::future::ready((!is_over).then_some(piece))
        })
        .boxed()
}

async fn in_time(
    doing: &'static str,
    limit: Duration,
    asked: impl Future<Output = reqwest::Result<Response>>,
) -> Result<Response, StorageError> {
    match tokio::time::timeout(limit, asked).await {
        Ok(answer) => answer.map_err(|error| StorageError::away(doing, error.without_url())),
        Err(_) => Err(StorageError::away(doing, Silent)),
    }
}

async fn accepted(doing: &'static str, answer: Response) -> Result<Response, StorageError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let refused = Refused(status.to_string());

    Err(
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            StorageError::away(doing, refused)
        } else {
            StorageError::failed(doing, refused)
        },
    )
}
