//! Every failure there is, by its code: the page that the `type` of a problem document leads to.

use std::fmt::Write as _;

use axum::http::StatusCode;

/// One kind of failure.
struct Kind {
    status: u16,
    code: &'static str,
    when: &'static str,
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    kind(400, "broken_body", "The body ended before it was whole."),
    kind(400, "broken_multipart", "The form cannot be read."),
    kind(400, "malformed_host", "An upload does not say under which host it reached the platform."),
    kind(400, "malformed_id", "What stands for an id is not 24 hex digits."),
    kind(400, "malformed_json", "The body is not JSON, or more than that."),
    kind(400, "unclear_length", "Transfer-Encoding is more than chunked, so where the body ends is unclear."),
    kind(400, "unclear_host", "Not one Host is named: none, or several."),
    kind(401, "refresh_token_invalid", "The refresh token is spent, expired, revoked or none. Sign in again."),
    kind(401, "session_ended", "The session of the access token has ended. Sign in again."),
    kind(401, "token_expired", "The access token was valid once. Refresh it."),
    kind(401, "token_invalid", "The access token is none of this platform."),
    kind(401, "token_missing", "The path needs an access token and got none, more than one, or no bearer token."),
    kind(401, "wrong_credentials", "No account has this address and this password."),
    kind(403, "not_the_author", "The post is somebody else's."),
    kind(403, "wrong_password", "The password of the account is another one."),
    kind(404, "media_not_found", "No file has this id, or not any more."),
    kind(404, "no_such_path", "Nothing is at this path."),
    kind(404, "post_not_found", "No post has this id, or not any more."),
    kind(404, "session_not_found", "The account has no such session, or not any more."),
    kind(405, "method_not_allowed", "The path answers other methods, named in Allow."),
    kind(408, "body_timeout", "The body did not arrive in time."),
    kind(409, "email_taken", "Somebody has this address, in this or another spelling."),
    kind(409, "idempotency_in_progress", "A request with this Idempotency-Key is being worked on. Try again."),
    kind(409, "name_taken", "Somebody has this name, in this or another spelling."),
    kind(413, "quota_exceeded", "The files of the person would together be larger than a setting allows."),
    kind(413, "too_large", "The body is larger than is taken here: 64 KiB for JSON, a setting for uploads."),
    kind(415, "media_type_not_allowed", "The file is of no kind that is kept."),
    kind(415, "not_json", "The body's Content-Type is not application/json."),
    kind(415, "not_multipart", "The upload is no form."),
    kind(416, "range_not_satisfiable", "The range begins behind the end of the file."),
    kind(422, "broken_image", "The beginning of the picture is not what its kind begins with."),
    kind(422, "file_empty", "The file has no content."),
    kind(422, "file_missing", "The form has no part named file."),
    kind(422, "idempotency_key_reused", "The Idempotency-Key was sent before, with another request."),
    kind(422, "invalid_content", "The text of the post is blank or too long."),
    kind(422, "invalid_cursor", "The cursor is none that a page gave out."),
    kind(422, "invalid_email", "The address is none."),
    kind(422, "invalid_field", "A field is missing or of another type."),
    kind(422, "invalid_idempotency_key", "Idempotency-Key is not one header of 1 to 255 visible ASCII characters."),
    kind(422, "invalid_limit", "The limit is not in its range."),
    kind(422, "invalid_media_ids", "The files named are too many, named twice, or none that may be used."),
    kind(422, "invalid_page", "The page is not in its range."),
    kind(422, "invalid_parameter", "The query of the URL cannot be read."),
    kind(422, "invalid_password", "The password is too short, too long or too common."),
    kind(422, "invalid_query", "What is searched for is missing or too long."),
    kind(422, "invalid_user", "What stands for a user is not 24 hex digits."),
    kind(422, "invalid_user_name", "The name is too short, too long or has signs that cannot be seen."),
    kind(422, "too_many_files", "The form has more than one file."),
    kind(422, "too_many_pixels", "The picture has more than 50 million pixels."),
    kind(429, "rate_limited", "Too many requests came from this address. Retry-After says when to try again."),
    kind(429, "too_many_failures", "Too many passwords were wrong. Retry-After says when to try again."),
    kind(500, "internal", "It is our fault. The log has the reason under the same requestId."),
    kind(502, "upstream_broken", "A service broke off, or another program answered in its place: whether it did what was asked is unknown."),
    kind(503, "overloaded", "More is asked for than is worked on at once. Try again."),
    kind(503, "timeout", "The answer took too long."),
    kind(503, "unavailable", "A store is away. Try again."),
    kind(503, "upstream_unreachable", "A service is away and was sent nothing. Try again."),
    kind(504, "upstream_timeout", "A service took too long: whether it did what was asked is unknown."),
];

/// All of them as a page with an anchor for each code.
pub fn page() -> String {
    let mut page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <title>Problems</title>\n</head>\n<body>\n<h1>Problems</h1>\n\
        <p>Every failure is a problem document (RFC 9457); its <code>code</code> is one of these.</p>\n\
        <dl>\n"
        .to_owned();
    for Kind { status, code, when } in KINDS {
        let title = StatusCode::from_u16(*status).ok();
        let title = title.and_then(|status| status.canonical_reason());
        let _ = writeln!(
            page,
            "<dt id=\"{code}\"><code>{code}</code>, {status} {}</dt>\n<dd>{when}</dd>",
            title.unwrap_or_default()
        );
    }
    page.push_str("</dl>\n</body>\n</html>\n");

    page
}

const fn kind(status: u16, code: &'static str, when: &'static str) -> Kind {
    Kind { status, code, when }
}

#[cfg(test)]
mod tests;
