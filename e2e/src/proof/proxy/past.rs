//! What was answered before, to be answered again.

use std::collections::HashMap;

use axum::body::Bytes;
use http::StatusCode;

use super::is_about_leases;

/// A moment that was given a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u32);

/// What reads are answered with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Present,
    /// As of then, where it was read by then.
    Past(Moment),
    /// The platform as it is, and nothing of what was made for it.
    NothingMade,
}

const NOT_FOUND: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found, as far as this view goes","code":404}"#;

/// The last answer to each read before each moment.
#[derive(Default)]
pub struct Past {
    now: u32,
    view: View,
    answers: HashMap<String, Vec<(Moment, StatusCode, Bytes)>>,
}

impl Past {
    /// Ends a moment, and names it.
    pub fn mark(&mut self) -> Moment {
        self.now += 1;

        Moment(self.now - 1)
    }

    pub fn show(&mut self, view: View) {
        self.view = view;
    }

    pub fn learn(&mut self, path: &str, status: StatusCode, body: &Bytes) {
        let now = Moment(self.now);
        let answers = self.answers.entry(path.to_owned()).or_default();
        answers.retain(|(moment, ..)| *moment != now);
        answers.push((now, status, body.clone()));
    }

    /// The answer in this view; nothing where that is the present. Who leads is told as it is: an operator that reads an old
    /// Lease never leads, and makes no pass at all.
    pub fn answer(&self, path: &str) -> Option<(StatusCode, Bytes)> {
        if is_about_leases(path) {
            return None;
        }
        let shown = match self.view {
            View::Present => return None,
            View::Past(moment) => moment,
            View::NothingMade if path.contains("/socialplatforms") => return None,
            View::NothingMade => {
                return Some((
                    StatusCode::NOT_FOUND,
                    Bytes::from_static(NOT_FOUND.as_bytes()),
                ));
            }
        };
        let (_, status, body) = self
            .answers
            .get(path)?
            .iter()
            .rfind(|(moment, ..)| *moment <= shown)?;

        Some((*status, body.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(past: &Past, path: &str) -> Option<Bytes> {
        past.answer(path).map(|(_, body)| body)
    }

    #[test]
    fn the_past_is_shown_as_it_was_at_its_end() {
        let mut past = Past::default();
        let learn = |past: &mut Past, body: &'static str| {
            past.learn("/a", StatusCode::OK, &Bytes::from_static(body.as_bytes()));
        };
        learn(&mut past, "first");
        learn(&mut past, "second");
        let then = past.mark();
        learn(&mut past, "third");

        assert_eq!(said(&past, "/a"), None);
        past.show(View::Past(then));
        assert_eq!(said(&past, "/a"), Some(Bytes::from_static(b"second")));
        assert_eq!(said(&past, "/c"), None);
        past.show(View::Present);
        assert_eq!(said(&past, "/a"), None);
    }

    #[test]
    fn who_leads_is_never_told_of_the_past() {
        let mut past = Past::default();
        let lease = "/apis/coordination.k8s.io/v1/namespaces/a/leases/operator";
        past.learn(lease, StatusCode::OK, &Bytes::from_static(b"old"));
        let then = past.mark();

        for view in [View::Past(then), View::NothingMade] {
            past.show(view);
            assert_eq!(said(&past, lease), None);
        }
    }

    #[test]
    fn a_platform_is_there_when_nothing_was_made_for_it() {
        let mut past = Past::default();
        past.show(View::NothingMade);

        assert!(
            past.answer("/apis/a/v1/namespaces/b/socialplatforms/demo")
                .is_none()
        );
        let (status, _) = past
            .answer("/api/v1/namespaces/b/secrets/demo-post")
            .unwrap();
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}
