//! A server that speaks as much of Cloudinary's API as is used, and checks every signature.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use multer::Multipart;
use tokio::net::TcpListener;

const SECRET: &str = "the-secret";

pub struct Cloudinary {
    pub url: String,
    account: Account,
}

#[derive(Clone)]
struct Account {
    algorithm: &'static str,
    files: Arc<Mutex<HashMap<String, Bytes>>>,
}

impl Cloudinary {
    pub async fn start(algorithm: &'static str) -> Self {
        let account = Account {
            algorithm,
            files: Arc::default(),
        };
        let routes = Router::new()
            .route("/v1_1/cloud/{kind}/upload", post(upload))
            .route("/v1_1/cloud/{kind}/destroy", post(destroy))
            .route("/v1_1/cloud/{kind}/download", get(download))
            .with_state(account.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, routes).await });

        Self { url, account }
    }

    pub fn settings(&self) -> Vec<String> {
        let url = format!(
            "cloudinary://the-key:{SECRET}@cloud?signature_algorithm={}",
            self.account.algorithm
        );

        [
            "--media-storage",
            "cloudinary",
            "--cloudinary-url",
            &url,
            "--cloudinary-api-url",
            &self.url,
        ]
        .map(str::to_owned)
        .into()
    }

    pub fn files(&self) -> usize {
        self.account.files.lock().expect("not poisoned").len()
    }
}

impl Account {
    /// The id the parameters speak of, if they are signed with the secret.
    fn signed(&self, mut parameters: HashMap<String, String>) -> Result<String, StatusCode> {
        let signature = parameters.remove("signature");
        let key = parameters.remove("api_key");
        let mut pairs: Vec<_> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.sort();
        let algorithm = match self.algorithm {
            "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
            _ => &SHA256,
        };
        let text = format!("{}{SECRET}", pairs.join("&"));
        let expected = hex::encode(digest(algorithm, text.as_bytes()));
        let is_good = key.as_deref() == Some("the-key")
            && parameters.contains_key("timestamp")
            && signature == Some(expected);

        parameters
            .remove("public_id")
            .filter(|_| is_good)
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

async fn read_form(request: Request) -> Option<(HashMap<String, String>, Option<Bytes>)> {
    let kind = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = multer::parse_boundary(kind).ok()?;
    let mut form = Multipart::new(request.into_body().into_data_stream(), boundary);
    let (mut parameters, mut file) = (HashMap::new(), None);
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name()?.to_owned();
        if name == "file" {
            file = Some(field.bytes().await.ok()?);
        } else {
            parameters.insert(name, field.text().await.ok()?);
        }
    }

    Some((parameters, file))
}

async fn upload(
    State(account): State<Account>,
    Path(kind): Path<String>,
    request: Request,
) -> Result<Response, StatusCode> {
    let (parameters, file) = read_form(request).await.ok_or(StatusCode::BAD_REQUEST)?;
    let file = file.ok_or(StatusCode::BAD_REQUEST)?;
    let id = account.signed(parameters)?;
    let answer = serde_json::json!({
        "public_id": id, "resource_type": kind, "type": "upload", "bytes": file.len(),
    });
    account.files.lock().expect("not poisoned").insert(id, file);

    Ok(axum::Json(answer).into_response())
}

async fn destroy(State(account): State<Account>, request: Request) -> Result<Response, StatusCode> {
    let (parameters, _) = read_form(request).await.ok_or(StatusCode::BAD_REQUEST)?;
    let id = account.signed(parameters)?;
    let gone = account.files.lock().expect("not poisoned").remove(&id);
    let result = if gone.is_some() { "ok" } else { "not found" };

    Ok(axum::Json(serde_json::json!({ "result": result })).into_response())
}

/// A range is answered with everything, as servers may.
async fn download(
    State(account): State<Account>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Bytes, StatusCode> {
    let id = account.signed(parameters)?;
    let files = account.files.lock().expect("not poisoned");

    files.get(&id).cloned().ok_or(StatusCode::NOT_FOUND)
}
