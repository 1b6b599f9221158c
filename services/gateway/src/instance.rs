//! What this platform is called, and what it takes: for clients that know more than one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde::Serialize;
use service_kit::openapi::ProblemDocument;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::Config;

/// What anybody may know of this platform.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// What it calls itself.
    #[schema(example = "Town Square")]
    name: String,
    /// Where its people can be reached.
    #[schema(example = "mailto:hello@social.example")]
    contact: Option<String>,
    #[schema(example = "1.0.0")]
    version: &'static str,
    limits: Limits,
    /// The types of files that may be uploaded.
    #[schema(example = json!(["image/jpeg", "image/png"]))]
    media_types: Vec<String>,
}

/// How much is taken and how often.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    /// The largest file, in bytes.
    upload_bytes: u64,
    /// The longest post.
    content_characters: u32,
    /// The most files in a post.
    media_ids: u32,
    /// The most posts in a page.
    page_posts: u32,
    /// The most posts that a search finds.
    search_posts: u32,
    /// How many requests a client may send a minute in the long run.
    requests_per_minute: u32,
    /// How many it may send at once.
    requests_at_once: u32,
}

impl Instance {
    pub fn new(config: &Config) -> Self {
        let contact = config.instance_contact.clone();

        Self {
            name: config.instance_name.clone(),
            contact: Some(contact).filter(|contact| !contact.is_empty()),
            version: env!("CARGO_PKG_VERSION"),
            limits: Limits {
                upload_bytes: config.max_upload_bytes,
                content_characters: 5000,
                media_ids: 10,
                page_posts: 100,
                search_posts: 50,
                requests_per_minute: config.rate_limit_per_minute,
                requests_at_once: config.rate_limit_burst,
            },
            media_types: config.allowed_media_types.clone(),
        }
    }
}

/// What this platform is called and what it takes
#[utoipa::path(
    get,
    path = "/v1/instance",
    operation_id = "instance",
    tag = "instance",
    responses(
        (status = 200, description = "About the platform", body = Instance),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json",
            description = "Too many requests from this address; `Retry-After` says when to try again."),
        (status = 500, body = ProblemDocument, content_type = "application/problem+json",
            description = "Something went wrong on our side."),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json",
            description = "More is asked for than is worked on at once; try again."),
    ),
)]
pub async fn instance(State(app): State<Arc<App>>) -> impl IntoResponse {
    (
        [(CACHE_CONTROL, "public, max-age=60")],
        Json(app.instance.clone()),
    )
}
