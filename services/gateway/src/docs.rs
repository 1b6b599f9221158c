//! Pages for people: the API to read and try, and what each failure means. Nothing in them comes from elsewhere.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use service_kit::Problem;
use utoipa_swagger_ui::Config;

use crate::problems;

/// Its own scripts and images, the API beside it, and the styles that its script sets.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const KEPT_FOR: &str = "public, max-age=3600";

static PROBLEMS: LazyLock<String> = LazyLock::new(problems::page);

/// `GET /docs`: the page's files are named relative to it, so it has to end in a slash.
pub async fn redirect() -> Redirect {
    Redirect::permanent("/docs/")
}

/// `GET /docs/`
pub async fn index() -> Result<Response, Problem> {
    file(Path("index.html".to_owned())).await
}

/// `GET /docs/{file}`
pub async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let config = Config::new(["/openapi.json"])
        .validator_url("none")
        .persist_authorization(true);
    let served = utoipa_swagger_ui::serve(&name, Arc::new(config));
    let file = served.ok().flatten().ok_or_else(Problem::no_route)?;
    let headers = [
        (CONTENT_TYPE, file.content_type.as_str()),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, KEPT_FOR),
    ];

    Ok((headers, file.bytes.into_owned()).into_response())
}

/// `GET /docs/problems`: what the `type` of a failure leads to.
pub async fn problems() -> impl IntoResponse {
    ([(CACHE_CONTROL, KEPT_FOR)], Html(PROBLEMS.as_str()))
}
