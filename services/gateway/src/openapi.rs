//! The description of the whole API, put together from what each service says of its part.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::uri::PathAndQuery;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use service_kit::Problem;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::app::App;
use crate::body::RequestBody;
use crate::error::Error;
use crate::forward::report;
use crate::routes::{Access, ROUTES, Route, described};
use crate::upstream::{Name, SendError, Upstream};

/// Services are rolled one after the other, so what was put together is only good for a moment.
const LIFETIME: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_BYTES: usize = 1024 * 1024;

/// What the gateway itself may answer on any path that it forwards.
const ALWAYS: [(&str, &str); 4] = [
    (
        "429",
        "Too many requests from this address; `Retry-After` says when to try again.",
    ),
    (
        "502",
        "A service broke off; whether it did what was asked is unknown.",
    ),
    (
        "503",
        "A service or something it depends on is away; try again.",
    ),
    ("504", "A service took too long."),
];
const WITH_TOKEN: (&str, &str) = ("401", "There is no valid access token.");
const WITH_BODY: [(&str, &str); 2] = [
    ("408", "The body took too long to arrive."),
    ("413", "The body is larger than allowed."),
];

/// The description that was put together last.
#[derive(Default)]
pub struct Document(Mutex<Option<(Instant, Bytes)>>);

/// `GET /openapi.json`
pub async fn document(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let document = app.document.current(&app).await?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=60"),
    ];

    Ok((headers, document))
}

impl Document {
    /// Asks the services when what is known is too old; when one of them is away, what is known has to do.
    async fn current(&self, app: &App) -> Result<Bytes, Error> {
        let mut known = self.0.lock().await;
        if let Some((since, document)) = &*known
            && since.elapsed() < LIFETIME
        {
            return Ok(document.clone());
        }
        match put_together(app).await {
            Ok(document) => {
                *known = Some((Instant::now(), document.clone()));
                Ok(document)
            }
            Err(error) => {
                report(app, &error);
                known.clone().map(|(_, document)| document).ok_or(error)
            }
        }
    }
}

async fn put_together(app: &App) -> Result<Bytes, Error> {
    let (identity, post, media, search) = tokio::try_join!(
        fetch(app, Name::Identity),
        fetch(app, Name::Post),
        fetch(app, Name::Media),
        fetch(app, Name::Search),
    )?;
    let own = described().into_openapi();
    let own = serde_json::to_value(own).expect("a description is always JSON");

    Ok(merge(own, [identity, post, media, search])
        .to_string()
        .into())
}

async fn fetch(app: &App, name: Name) -> Result<(Name, Value), Error> {
    let upstream = app.upstreams.of(name);
    let fetched = tokio::time::timeout(TIMEOUT, ask(app, upstream)).await;
    let description = fetched.map_err(|_| Error::SlowAnswer {
        upstream: upstream.name,
    })??;

    Ok((name, description))
}

async fn ask(app: &App, upstream: &Upstream) -> Result<Value, Error> {
    let no_description = || Error::NoDescription {
        upstream: upstream.name,
    };
    let head = || {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = upstream.uri(PathAndQuery::from_static("/openapi.json"));
        parts.headers.insert(HOST, upstream.host());
        parts
    };
    let answer = app.upstreams.send(head, RequestBody::empty()).await;
    let answer = answer.map_err(|error| match error {
        SendError::Failed(source) => Error::Unreachable {
            upstream: upstream.name,
            source,
        },
        SendError::Stranger(_) => no_description(),
    })?;
    if answer.status() != StatusCode::OK {
        return Err(no_description());
    }
    let body = axum::body::to_bytes(Body::new(answer.into_body()), MAX_BYTES).await;
    let body = body.map_err(|_| no_description())?;

    serde_json::from_slice(&body).map_err(|_| no_description())
}

/// `own` with everything in it that the table of routes leads to. What a service describes besides stays its own.
fn merge(mut own: Value, parts: [(Name, Value); 4]) -> Value {
    for route in &ROUTES {
        let part = parts.iter().find(|(name, _)| *name == route.upstream);
        let method = route.method.as_str().to_ascii_lowercase();
        let Some(operation) = part.and_then(|(_, part)| part["paths"][route.path].get(&method))
        else {
            tracing::warn!(
                http.method = method,
                http.route = route.path,
                "a service does not describe a path that leads to it"
            );
            continue;
        };
        own["paths"][route.path][method] = complete(operation.clone(), route);
    }
    for (_, part) in &parts {
        for kind in ["schemas", "responses", "parameters", "securitySchemes"] {
            let Some(theirs) = part["components"][kind].as_object() else {
                continue;
            };
            let ours = own["components"][kind].as_object().cloned();
            let mut all = theirs.clone();
            // What is known by the same name is the same: the shape of problems, the kind of token.
            all.extend(ours.unwrap_or_else(Map::new));
            own["components"][kind] = all.into();
        }
    }

    own
}

/// Adds what the gateway may answer instead of the service.
fn complete(mut operation: Value, route: &Route) -> Value {
    let with_body = operation.get("requestBody").is_some();
    let mut answers = ALWAYS.to_vec();
    if route.access == Access::Token {
        answers.push(WITH_TOKEN);
    }
    if with_body {
        answers.extend(WITH_BODY);
    }
    for (status, description) in answers {
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] = problem(description);
        }
    }

    operation
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(path: &str, method: &str, schema: &str) -> Value {
        json!({
            "paths": { path: { method: {
                "requestBody": {},
                "responses": { "200": { "description": "theirs" }, "503": { "description": "theirs" } }
            } } },
            "components": { "schemas": { schema: { "type": "string" } } }
        })
    }

    fn merged() -> Value {
        let own = json!({
            "paths": { "/v1/instance": { "get": {} } },
            "components": { "schemas": { "Problem": { "type": "object" } } }
        });

        merge(
            own,
            [
                (Name::Identity, part("/v1/auth/login", "post", "Login")),
                (Name::Post, part("/v1/posts/{id}", "patch", "Change")),
                (Name::Media, part("/internal", "get", "Problem")),
                (Name::Search, part("/v1/auth/me", "get", "Found")),
            ],
        )
    }

    #[test]
    fn only_what_the_table_leads_to_is_described() {
        let merged = merged();
        let paths: Vec<_> = merged["paths"].as_object().expect("paths").keys().collect();

        assert_eq!(paths, ["/v1/auth/login", "/v1/instance", "/v1/posts/{id}"]);
    }

    #[test]
    fn the_gateway_adds_its_own_answers_and_changes_none() {
        let merged = merged();
        let statuses = |path: &str, method: &str| -> Vec<String> {
            let answers = &merged["paths"][path][method]["responses"];
            answers
                .as_object()
                .expect("answers")
                .keys()
                .cloned()
                .collect()
        };

        assert_eq!(
            statuses("/v1/auth/login", "post"),
            ["200", "408", "413", "429", "502", "503", "504"]
        );
        assert_eq!(
            statuses("/v1/posts/{id}", "patch"),
            ["200", "401", "408", "413", "429", "502", "503", "504"]
        );
        let kept = &merged["paths"]["/v1/auth/login"]["post"]["responses"]["503"];
        assert_eq!(kept["description"], "theirs");
    }

    #[test]
    fn schemas_of_all_services_are_there_and_ours_counts() {
        let schemas = &merged()["components"]["schemas"];

        assert_eq!(schemas["Problem"]["type"], "object");
        for name in ["Login", "Change", "Found"] {
            assert_eq!(schemas[name]["type"], "string", "{name}");
        }
    }
}
