//! What the operator remembers of a platform between passes.
//!
//! Nothing here is needed to be right. It saves writes that would change nothing: an operator that starts without it
//! applies everything once more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use kube::Resource;
use operator_api::SocialPlatform;
use serde::Serialize;

use crate::watch::PlatformName;

/// How long a thing that is asked for is asked for every second; after that it is asked for less often.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_secs(1);
const SLOW_POLL: Duration = Duration::from_secs(5);

const FIRST_RETRY: Duration = Duration::from_secs(1);
pub const LAST_RETRY: Duration = Duration::from_secs(30);

/// A SHA-256.
pub type Mark = [u8; 32];

#[derive(Debug, Default)]
pub struct Memory {
    uid: Option<String>,
    generation: Option<i64>,
    applied: HashMap<(String, String), Applied>,
    mongodb: Option<SetUp>,
    polling_since: Option<Instant>,
    looking_since: Option<Instant>,
    failures: u32,
}

/// An object as it was asked for, and as the API server said it is since.
#[derive(Debug, PartialEq, Eq)]
struct Applied {
    wanted: Mark,
    answered: Mark,
}

#[derive(Debug)]
struct SetUp {
    credentials: Mark,
    at: Instant,
}

impl Memory {
    /// Forgets a platform that was deleted and made again, and how long one that was changed has been waited for.
    pub fn is_about(&mut self, platform: &SocialPlatform) {
        if self.uid != platform.metadata.uid {
            *self = Self {
                uid: platform.metadata.uid.clone(),
                ..Self::default()
            };
        }
        if self.generation != platform.metadata.generation {
            self.generation = platform.metadata.generation;
            self.looking_since = None;
        }
    }

    /// Whether `live` is what came of applying `wanted`, so that applying it again would change nothing.
    pub fn is_applied<K>(&self, wanted: &K, live: &K) -> bool
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let applied = Applied {
            wanted: mark(wanted),
            answered: fingerprint(live),
        };

        self.applied.get(&key(wanted)) == Some(&applied)
    }

    pub fn has_applied<K>(&mut self, wanted: &K, answer: &K)
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        self.applied.insert(
            key(wanted),
            Applied {
                wanted: mark(wanted),
                answered: fingerprint(answer),
            },
        );
    }

    pub fn mongodb_is_set_up(&self) -> bool {
        self.mongodb.is_some()
    }

    /// Whether MongoDB was asked within `period` and knew these credentials.
    pub fn mongodb_knows(&self, credentials: Mark, period: Duration) -> bool {
        self.mongodb
            .as_ref()
            .is_some_and(|set_up| set_up.credentials == credentials && set_up.at.elapsed() < period)
    }

    pub fn has_set_up_mongodb(&mut self, credentials: Mark) {
        self.mongodb = Some(SetUp {
            credentials,
            at: Instant::now(),
        });
    }

    pub fn forget_mongodb(&mut self) {
        self.mongodb = None;
    }

    /// When to ask next for something no watch tells of.
    pub fn next_poll(&mut self) -> Duration {
        let since = self.polling_since.get_or_insert_with(Instant::now);

        if since.elapsed() < PATIENCE {
            POLL
        } else {
            SLOW_POLL
        }
    }

    /// When to look next at pods that are not ready. What becomes of new ones shows soon; after that, only a change of
    /// the cause is missed for a while.
    pub fn next_look(&mut self) -> Duration {
        let since = self.looking_since.get_or_insert_with(Instant::now);

        if since.elapsed() < PATIENCE {
            SLOW_POLL
        } else {
            LAST_RETRY
        }
    }

    pub fn stop_looking(&mut self) {
        self.looking_since = None;
    }

    pub fn stop_polling(&mut self) {
        self.polling_since = None;
    }

    /// When to try again after a failed call.
    pub fn next_retry(&mut self) -> Duration {
        let doublings = self.failures.min(10);
        self.failures += 1;

        (FIRST_RETRY * 2_u32.pow(doublings)).min(LAST_RETRY)
    }

    pub fn has_succeeded(&mut self) {
        self.failures = 0;
    }
}

/// The memories of every platform. A pass takes one out and puts it back, so no two passes ever share one.
#[derive(Debug, Default)]
pub struct Memories(Mutex<HashMap<PlatformName, Memory>>);

impl Memories {
    pub fn take(&self, name: &PlatformName) -> Memory {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name)
            .unwrap_or_default()
    }

    pub fn keep(&self, name: PlatformName, memory: Memory) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, memory);
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> (String, String) {
    (
        K::kind(&()).into_owned(),
        object.meta().name.clone().unwrap_or_default(),
    )
}

pub fn mark(value: &impl Serialize) -> Mark {
    let text =
        serde_json::to_vec(value).expect("Kubernetes objects and strings can be written as JSON");
    let mut mark = Mark::default();
    mark.copy_from_slice(digest(&SHA256, &text).as_ref());

    mark
}

/// A mark over what a person could have changed. A status moves by itself, and takes the resource version with it; a
/// Deployment's controller counts its rollouts in an annotation.
pub fn fingerprint(object: &impl Serialize) -> Mark {
    let mut value =
        serde_json::to_value(object).expect("Kubernetes objects can be written as JSON");
    value["status"].take();
    let metadata = &mut value["metadata"];
    metadata["managedFields"].take();
    metadata["resourceVersion"].take();
    metadata["annotations"]["deployment.kubernetes.io/revision"].take();

    mark(&value)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use operator_api::SocialPlatformSpec;

    use super::*;

    fn deployment(change: impl FnOnce(&mut Deployment)) -> Deployment {
        let mut deployment = Deployment {
            metadata: ObjectMeta {
                name: Some("demo-post".to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(DeploymentSpec {
                replicas: Some(1),
                ..DeploymentSpec::default()
            }),
            status: None,
        };
        change(&mut deployment);
        deployment
    }

    /// As the API server answers: with more in it than was asked for.
    fn live(change: impl FnOnce(&mut Deployment)) -> Deployment {
        deployment(|deployment| {
            deployment.metadata.uid = Some("uid".to_owned());
            deployment.metadata.resource_version = Some("1".to_owned());
            change(deployment);
        })
    }

    #[test]
    fn an_object_that_nobody_touched_is_not_applied_again() {
        let mut memory = Memory::default();
        let wanted = deployment(|_| {});
        assert!(!memory.is_applied(&wanted, &live(|_| {})));

        memory.has_applied(&wanted, &live(|_| {}));

        assert!(memory.is_applied(&wanted, &live(|_| {})));
    }

    #[test]
    fn what_moves_by_itself_is_no_edit() {
        let mut memory = Memory::default();
        let wanted = deployment(|_| {});
        memory.has_applied(&wanted, &live(|_| {}));

        let moved = live(|live| {
            live.metadata.resource_version = Some("2".to_owned());
            live.metadata.annotations = Some(
                [(
                    "deployment.kubernetes.io/revision".to_owned(),
                    "1".to_owned(),
                )]
                .into(),
            );
            live.status = Some(DeploymentStatus {
                replicas: Some(1),
                ..DeploymentStatus::default()
            });
        });

        assert!(memory.is_applied(&wanted, &moved));
    }

    #[test]
    fn an_edit_of_the_object_and_another_wish_are_applied() {
        let mut memory = Memory::default();
        let wanted = deployment(|_| {});
        memory.has_applied(&wanted, &live(|_| {}));

        let scaled =
            |deployment: &mut Deployment| deployment.spec.as_mut().unwrap().replicas = Some(2);
        let labelled = |live: &mut Deployment| {
            live.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into())
        };
        let made_anew = |live: &mut Deployment| live.metadata.uid = Some("another".to_owned());

        assert!(!memory.is_applied(&wanted, &live(scaled)));
        assert!(!memory.is_applied(&wanted, &live(labelled)));
        assert!(!memory.is_applied(&wanted, &live(made_anew)));
        assert!(!memory.is_applied(&deployment(scaled), &live(|_| {})));
    }

    #[test]
    fn retries_back_off_to_a_limit_and_start_over_after_success() {
        let mut memory = Memory::default();

        let waits = (0..7)
            .map(|_| memory.next_retry().as_secs())
            .collect::<Vec<_>>();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);

        memory.has_succeeded();
        assert_eq!(memory.next_retry(), FIRST_RETRY);
    }

    #[test]
    fn pods_are_looked_at_often_at_first_and_after_a_change() {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.generation = Some(1);
        let mut memory = Memory::default();
        memory.is_about(&platform);
        assert_eq!(memory.next_look(), SLOW_POLL);

        memory.looking_since = Instant::now().checked_sub(PATIENCE * 2);
        memory.is_about(&platform);
        assert_eq!(memory.next_look(), LAST_RETRY);

        platform.metadata.generation = Some(2);
        memory.is_about(&platform);
        assert_eq!(memory.next_look(), SLOW_POLL);
    }

    #[test]
    fn another_platform_of_the_same_name_is_not_remembered() {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.uid = Some("1".to_owned());
        let mut memory = Memory::default();
        memory.is_about(&platform);
        memory.has_set_up_mongodb(mark(&"key"));

        memory.is_about(&platform);
        assert!(memory.mongodb_is_set_up());

        platform.metadata.uid = Some("2".to_owned());
        memory.is_about(&platform);
        assert!(!memory.mongodb_is_set_up());
    }

    #[test]
    fn mongodb_is_asked_again_after_a_while_and_for_other_credentials() {
        let mut memory = Memory::default();
        memory.has_set_up_mongodb(mark(&"key"));

        assert!(memory.mongodb_knows(mark(&"key"), Duration::from_secs(300)));
        assert!(!memory.mongodb_knows(mark(&"key"), Duration::ZERO));
        assert!(!memory.mongodb_knows(mark(&"other"), Duration::from_secs(300)));
    }
}
