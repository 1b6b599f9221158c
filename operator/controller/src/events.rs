//! Events: what a person would want to be told, and nothing that merely happens on every pass.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use operator_api::{Condition, ConditionType, Reason, SocialPlatform};
use tracing::warn;

use crate::apply::FIELD_MANAGER;
use crate::conditions::is_true;

/// The API server refuses a note of more than a kilobyte.
const LONGEST_NOTE: usize = 1000;

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub is_warning: bool,
    pub reason: String,
    pub note: String,
}

impl Notice {
    pub fn credentials_created() -> Self {
        Self::normal("CredentialsCreated", "generated passwords and keys")
    }

    pub fn credentials_rebuilt() -> Self {
        Self {
            is_warning: true,
            ..Self::normal(
                "CredentialsRebuilt",
                "the Secret with passwords and keys was gone and was made again of the Secrets made of it; nothing changed",
            )
        }
    }

    /// A step of a replacement, and what comes of it.
    pub fn rotating(sentence: Option<&str>) -> Self {
        match sentence {
            Some(sentence) => Self::normal("RotatingCredentials", sentence),
            None => Self::normal(
                "RotatedCredentials",
                "what was to be replaced of the passwords and keys is replaced",
            ),
        }
    }

    pub fn mongodb_initiated() -> Self {
        Self::normal("MongoDBInitiated", "started MongoDB's replica set")
    }

    fn normal(reason: &str, note: &str) -> Self {
        Self {
            is_warning: false,
            reason: reason.to_owned(),
            note: note.to_owned(),
        }
    }
}

/// What changed between two sets of conditions that is worth telling.
pub fn notices(before: &[Condition], after: &[Condition]) -> Vec<Notice> {
    let find = |conditions: &[Condition], type_: ConditionType| {
        conditions
            .iter()
            .find(|condition| condition.type_ == type_.as_str())
            .cloned()
    };
    let mut notices = Vec::new();

    let was_ready = is_true(before, ConditionType::Ready);
    if let Some(ready) = find(after, ConditionType::Ready) {
        match (was_ready, ready.status == "True") {
            (false, true) => notices.push(Notice::normal("Ready", &ready.message)),
            (true, false) => notices.push(Notice {
                // Not being ready while a change is rolled out is as it should be.
                is_warning: !is_true(after, ConditionType::Progressing),
                reason: "NotReady".to_owned(),
                note: ready.message,
            }),
            _ => {}
        }
    }

    for type_ in [ConditionType::Degraded, ConditionType::Stalled] {
        let told = find(before, type_).filter(|told| told.status == "True");
        // That pods went away is told as `NotReady`, and a failed call is tried again before anybody reads of it.
        let is_told_elsewhere = |condition: &Condition| {
            let elsewhere = [Reason::PodsNotReady, Reason::ReconcileFailed];
            elsewhere
                .iter()
                .any(|reason| reason.as_str() == condition.reason)
        };
        if let Some(wrong) = find(after, type_)
            && wrong.status == "True"
            && !is_told_elsewhere(&wrong)
            && told.is_none_or(|told| {
                (told.reason, told.message) != (wrong.reason.clone(), wrong.message.clone())
            })
        {
            notices.push(Notice {
                is_warning: true,
                reason: wrong.reason,
                note: wrong.message,
            });
        }
    }

    notices
}

/// Publishes notices about platforms.
pub struct Events {
    client: Client,
}

impl Events {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// An event that cannot be written is no reason to stop: what it tells is in the status as well.
    pub async fn publish(&self, platform: &SocialPlatform, notice: Notice) {
        let about = ObjectReference {
            resource_version: None,
            ..platform.object_ref(&())
        };
        let Notice {
            is_warning,
            reason,
            note,
        } = notice;
        let event = Event {
            type_: if is_warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            action: "Reconcile".to_owned(),
            reason,
            note: Some(crate::status::shortened(note, LONGEST_NOTE)),
            secondary: None,
        };

        // A recorder that is kept counts an event of a reason it knows onto the first one, whose note then tells of
        // something long past. What is told here is told rarely enough for an event of its own.
        let recorder = Recorder::new(self.client.clone(), Reporter::from(FIELD_MANAGER));
        if let Err(error) = recorder.publish(&event, &about).await {
            warn!(
                event.reason = event.reason,
                error = &error as &dyn std::error::Error,
                "failed to publish an event"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;
    use operator_api::Component;

    use super::*;
    use crate::conditions::conditions;
    use crate::observed::Observed;
    use crate::observed::samples::{observed, stopped_by};

    fn of(observed: &Observed) -> Vec<Condition> {
        conditions(observed, 1, &[], &Time(Timestamp::UNIX_EPOCH))
    }

    fn reasons(before: &[Condition], after: &Observed) -> Vec<(String, bool)> {
        notices(before, &of(after))
            .into_iter()
            .map(|notice| (notice.reason, notice.is_warning))
            .collect()
    }

    #[test]
    fn becoming_ready_and_ceasing_to_be_are_told() {
        let ready = of(&observed(&[]));
        let starting = of(&observed(&[(Component::Redis, Reason::Starting)]));

        assert_eq!(
            reasons(&starting, &observed(&[])),
            [("Ready".to_owned(), false)]
        );
        assert_eq!(
            reasons(
                &ready,
                &observed(&[(Component::Redis, Reason::PodsNotReady)])
            ),
            [("NotReady".to_owned(), true)]
        );
        assert_eq!(
            reasons(&ready, &observed(&[(Component::Post, Reason::RollingOut)])),
            [("NotReady".to_owned(), false)]
        );
    }

    #[test]
    fn what_stays_as_it_was_is_not_told_again() {
        assert_eq!(reasons(&of(&observed(&[])), &observed(&[])), []);
        assert_eq!(
            reasons(&[], &observed(&[(Component::Redis, Reason::Starting)])),
            []
        );
        assert_eq!(
            reasons(
                &of(&stopped_by(Reason::ObjectNotOurs)),
                &stopped_by(Reason::ObjectNotOurs)
            ),
            []
        );
    }

    #[test]
    fn what_holds_pods_up_is_told_once_by_its_own_reason() {
        let waits = observed(&[(Component::Redis, Reason::Starting)]);
        let fails = observed(&[(Component::Redis, Reason::ImageNotPulled)]);
        let fails_otherwise = observed(&[(Component::Redis, Reason::CrashLooping)]);
        let told = |reason: &str| vec![(reason.to_owned(), true)];

        assert_eq!(reasons(&of(&waits), &fails), told("ImageNotPulled"));
        assert_eq!(reasons(&of(&fails), &fails), []);
        assert_eq!(reasons(&of(&fails), &fails_otherwise), told("CrashLooping"));
        assert_eq!(reasons(&of(&fails), &waits), []);
    }

    #[test]
    fn a_stall_is_told_by_its_own_reason() {
        assert_eq!(
            reasons(&[], &stopped_by(Reason::Invalid)),
            [("Invalid".to_owned(), true)]
        );
        assert_eq!(
            reasons(
                &of(&stopped_by(Reason::Invalid)),
                &stopped_by(Reason::ObjectNotOurs)
            ),
            [("ObjectNotOurs".to_owned(), true)]
        );
    }
}
