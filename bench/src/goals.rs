//! How far the measures of the design are reached.

use crate::report::{Bound, Flow, Goal, Report, Row, megabytes};
use crate::rows::{
    ARGON2, CREATE, CREATE_MANY_PAGES, DRAINED, DRAINED_BY_MEDIA, EXPRESS, GATEWAY_BARE,
    GATEWAY_FULL, LIST, LIST_BESIDE_ACCOUNT, LIST_BESIDE_LOGINS, LIST_CACHED, LIST_DEEP,
    LIST_QUIET, LOGIN, NGINX, SEARCH_BESIDE_REINDEX, SEARCHABLE,
};

/// What the tables say about each goal. What was not measured is not a number, and reaches nothing.
pub fn goals(report: &Report, sizes: &[u64]) -> Vec<Goal> {
    let cost = |name, process| {
        report
            .row(name, None)
            .map_or(f64::NAN, |row| row.cost(process))
    };
    let per_second = |name| {
        report
            .row(name, None)
            .map_or(f64::NAN, |row| row.outcome.per_second)
    };
    let p99 = |name| {
        report
            .row(name, None)
            .map_or(f64::NAN, |row| row.outcome.p99.as_secs_f64() * 1e3)
    };
    let p50 =
        |name, posts: Option<&u64>| report.row(name, posts.copied()).map_or(f64::NAN, Row::p50);
    let failed = |name| {
        report
            .row(name, None)
            .map_or(f64::NAN, |row| row.outcome.failed as f64)
    };
    let (least, most) = (sizes.first(), sizes.last());
    let added = report
        .growth
        .iter()
        .map(|growth| growth.peak.saturating_sub(growth.before))
        .reduce(|one, other| one + other);
    let idle = report
        .footprints
        .iter()
        .map(|footprint| footprint.idle)
        .max();
    let ready = report
        .footprints
        .iter()
        .map(|footprint| footprint.ready_millis);

    let full = cost(GATEWAY_FULL, "gateway");
    let goal = |what: &str, bound, seen, unit| Goal {
        what: what.to_owned(),
        bound,
        seen,
        unit,
    };
    use Bound::{AtLeast, AtMost};
    vec![
        goal(
            "gateway without token and log, CPU of nginx",
            AtMost(1.25),
            cost(GATEWAY_BARE, "gateway") / cost(NGINX, "nginx"),
            "×",
        ),
        goal(
            "gateway with token, limit and log, CPU of nginx",
            AtMost(1.8),
            full / cost(NGINX, "nginx"),
            "×",
        ),
        goal(
            "express-http-proxy, CPU of the gateway with everything",
            AtLeast(10.0),
            cost(EXPRESS, "express") / full,
            "×",
        ),
        goal(
            "logins, of Argon2id's own rate",
            AtLeast(0.95),
            per_second(LOGIN) / per_second(ARGON2),
            "×",
        ),
        goal(
            "list beside logins, p99 of without them",
            AtMost(2.0),
            p99(LIST_BESIDE_LOGINS) / p99(LIST_QUIET),
            "×",
        ),
        goal(
            "page 10,000, p50 of page 1",
            AtMost(1.2),
            p50(LIST_DEEP, most) / p50(LIST, most),
            "×",
        ),
        goal(
            "cached list with most posts, p50 of with fewest",
            AtMost(1.2),
            p50(LIST_CACHED, most) / p50(LIST_CACHED, least),
            "×",
        ),
        goal(
            "list not cached with most posts, p50 of with fewest",
            AtMost(1.2),
            p50(LIST, most) / p50(LIST, least),
            "×",
        ),
        goal(
            "create with 10,000 cached pages, p50 of without",
            AtMost(1.2),
            p50(CREATE_MANY_PAGES, most) / p50(CREATE, most),
            "×",
        ),
        goal(
            "50 uploads of 5 MB at once add",
            AtMost(20.0),
            added.map_or(f64::NAN, megabytes),
            "MB",
        ),
        goal(
            "largest idle process",
            AtMost(15.0),
            idle.map_or(f64::NAN, megabytes),
            "MB",
        ),
        goal(
            "slowest to be ready when started again",
            AtMost(50.0),
            ready.fold(f64::NAN, f64::max),
            "ms",
        ),
        goal(
            "create to searchable at 200 creates/s, p99",
            AtMost(1000.0),
            p99(SEARCHABLE),
            "ms",
        ),
        goal(
            "events drained by one process of search",
            AtLeast(2000.0),
            report.flow(DRAINED).map_or(f64::NAN, Flow::per_second),
            "/s",
        ),
        goal(
            "events drained by one process of media",
            AtLeast(2000.0),
            report
                .flow(DRAINED_BY_MEDIA)
                .map_or(f64::NAN, Flow::per_second),
            "/s",
        ),
        goal(
            "failed during a reindex",
            AtMost(0.0),
            failed(SEARCH_BESIDE_REINDEX),
            "searches",
        ),
        goal(
            "failed while an account of 100,000 posts is deleted",
            AtMost(0.0),
            failed(LIST_BESIDE_ACCOUNT),
            "lists",
        ),
    ]
}
