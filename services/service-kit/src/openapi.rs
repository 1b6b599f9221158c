//! A service's part of the API's description (`OpenAPI` 3.1), made from the annotations of its handlers.
//!
//! Handlers say what is theirs; [`serve`] adds what holds for every route, so that no answer stays undescribed.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Router, response::IntoResponse};
use bytes::Bytes;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Deprecated, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

pub use crate::problem::Document as ProblemDocument;

/// Where a service answers with its part.
const PATH: &str = "/openapi.json";
/// The security scheme of routes that need an access token: `security((BEARER = []))` in an annotation.
pub const BEARER: &str = "bearer";
const PROBLEM_JSON: &str = "application/problem+json";

/// What every route may answer, whatever it is for.
const ALWAYS: [(&str, &str); 4] = [
    ("400", "The request cannot be read."),
    ("413", "The body is larger than allowed."),
    ("500", "Something went wrong on our side."),
    (
        "503",
        "The service or something it depends on is away; try again.",
    ),
];
const WITH_BODY: [(&str, &str); 3] = [
    ("408", "The body took too long to arrive."),
    ("415", "The body is of a type that is not taken here."),
    ("422", "A value is refused; `field` names it."),
];
const WITH_TOKEN: (&str, &str) = ("401", "There is no valid access token.");

/// The description of a service that has no routes yet.
pub fn service(title: &str) -> OpenApi {
    let mut api = OpenApi::default();
    api.info = Info::new(title, env!("CARGO_PKG_VERSION"));
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let mut components = Components::new();
    components
        .schemas
        .insert(ProblemDocument::name().into(), ProblemDocument::schema());
    components.add_security_scheme(BEARER, bearer);
    api.components = Some(components);

    api
}

/// The routes of `router`, and `/openapi.json` that describes them.
pub fn serve<S: Clone + Send + Sync + 'static>(router: OpenApiRouter<S>) -> Router<S> {
    let (routes, mut api) = router.split_for_parts();
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            complete(operation);
        }
    }
    let document = api.to_json().expect("a description is always JSON");
    let document = Bytes::from(document);

    routes.route(
        PATH,
        get(move || {
            let document = document.clone();
            async move { ([(CONTENT_TYPE, "application/json")], document).into_response() }
        }),
    )
}

/// Describes `old`, a path kept for older clients, as `new` is described.
pub fn describe_deprecated(api: &mut OpenApi, method: HttpMethod, old: &str, new: &str) {
    if let Some(operation) = api.paths.get_path_operation(new, method.clone()) {
        let mut operation = operation.clone();
        operation.deprecated = Some(Deprecated::True);
        operation.operation_id = operation.operation_id.map(|id| format!("{id}_deprecated"));
        api.paths.add_path_operation(old, vec![method], operation);
    }
}

/// A failure as an annotation or the gateway describes it.
pub fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();

    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, content)
        .build()
}

/// Adds the answer to an operation that does not describe it itself.
pub fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    operation
        .responses
        .responses
        .entry(status.to_owned())
        .or_insert_with(|| problem(description).into());
}

/// Every operation of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
        &mut item.head,
    ]
    .into_iter()
    .flatten()
}

fn complete(operation: &mut Operation) {
    for (status, description) in ALWAYS {
        add_problem(operation, status, description);
    }
    if operation.request_body.is_some() {
        for (status, description) in WITH_BODY {
            add_problem(operation, status, description);
        }
    }
    if operation.security.is_some() {
        add_problem(operation, WITH_TOKEN.0, WITH_TOKEN.1);
    }
    for (status, response) in &mut operation.responses.responses {
        name(status, response);
    }
}

/// A description is required: an answer that has nothing to say is described by what its status says.
fn name(status: &str, response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response
        && response.description.is_empty()
    {
        let status = status.parse::<StatusCode>().ok();
        let reason = status.and_then(|status| status.canonical_reason());
        response.description = reason.unwrap_or_default().to_owned();
    }
}

#[cfg(test)]
mod tests {
    use utoipa_axum::routes;

    use super::*;

    #[utoipa::path(post, path = "/things", request_body = String, security(("bearer" = [])),
        responses((status = 201, description = "Made")))]
    async fn make() {}

    #[test]
    fn an_operation_describes_what_every_route_may_answer() {
        let mut router: OpenApiRouter =
            OpenApiRouter::with_openapi(service("Things")).routes(routes!(make));
        let mut operation = router
            .to_openapi()
            .paths
            .get_path_operation("/things", HttpMethod::Post)
            .expect("described")
            .clone();
        complete(&mut operation);

        let statuses: Vec<_> = operation.responses.responses.into_keys().collect();
        assert_eq!(
            statuses,
            [
                "201", "400", "401", "408", "413", "415", "422", "500", "503"
            ]
        );
    }
}
