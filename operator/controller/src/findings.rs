//! What a pass found out, and how it is put together with what the cluster's objects say of themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use operator_api::{Component, CredentialsStatus, Reason, SocialPlatform};
use operator_render::{Credentials, PasswordsStage, ValidatedPlatform};

use crate::dereference::Found;
use crate::diagnosis::{Clues, cause};
use crate::error::Error;
use crate::observed::{Observed, Obstacle, Part};
use crate::reconcile::Next;
use crate::rotation;
use crate::tier::awaited;

/// How soon a ready platform is looked at again whose MongoDB has yet to be told of new passwords: no watch tells of that.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What became known on the way, as far as the pass came.
#[derive(Debug, Default)]
pub struct Findings {
    /// The platform, if it is one that can be made.
    pub wanted: Option<ValidatedPlatform>,
    pub mongodb: Answer,
    pub gateway: Answer,
    /// Services that do not get their new version yet, and whom they wait for.
    pub held_back: BTreeMap<Component, Component>,
    /// What the cluster says of pods that are not ready; nothing while all of them are.
    pub clues: Option<Clues>,
    /// Which passwords and keys are in force.
    pub credentials: Option<CredentialsStatus>,
    pub rotation: Rotation,
    /// What ended the pass early, or the first object that could not be applied.
    pub failure: Option<Error>,
}

/// What comes next of the replacement of passwords and keys.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    #[default]
    None,
    /// This pass made a step.
    Stepped,
    /// What has to happen first a watch tells of, or an answer.
    Waits,
    /// Only time has to pass.
    DueIn(Duration),
}

/// What something outside the API server said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There was no reason to ask, or no point in asking.
    #[default]
    NotAsked,
    Good {
        /// It was not known to be good before.
        is_news: bool,
    },
    /// It was good and gives no answer now, which alone proves nothing while its pod is ready; why.
    Silent(String),
    /// Not there yet, in a sentence that stays the same while it is so.
    Awaited(String),
    Refused(String),
}

impl Answer {
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. } | Self::Silent(_))
    }

    fn is_pending(&self) -> bool {
        matches!(self, Self::Awaited(_) | Self::Refused(_))
    }
}

impl Findings {
    /// The version of the services, once all of them run it and nothing else.
    pub fn version(&self, found: &Found) -> Option<&str> {
        let mut services = Component::ALL
            .into_iter()
            .filter(|component| !component.is_store());
        let is_rolled_out = self.failure.is_none()
            && self.held_back.is_empty()
            && services.all(|component| found.is_rolled_out(component));

        self.wanted
            .as_ref()
            .filter(|_| is_rolled_out)
            .map(ValidatedPlatform::version)
    }

    pub fn next(&self, observed: &Observed, is_ready: bool) -> Next {
        // Neither remnants of another platform nor Secrets are watched.
        let waits_for_unwatched = observed.obstacle.as_ref().is_some_and(|obstacle| {
            matches!(
                obstacle.reason,
                Reason::WaitingForDeletion | Reason::SecretMissing
            )
        });

        if self.rotation == Rotation::Stepped {
            Next::AtOnce
        } else if is_ready {
            match self.rotation {
                Rotation::None | Rotation::Stepped => Next::Rest,
                Rotation::Waits => Next::RestFor(LOOK_AGAIN),
                Rotation::DueIn(time) => Next::RestFor(time),
            }
        } else if waits_for_unwatched || self.mongodb.is_pending() || self.gateway.is_pending() {
            Next::Poll
        } else if self.mongodb == (Answer::Good { is_news: true }) {
            Next::AtOnce
        } else if observed.obstacle.is_none() {
            Next::Look
        } else {
            Next::Wait
        }
    }
}

/// Which passwords and keys are in force, and what a replacement of them waits for.
pub fn in_force(credentials: &Credentials, mongodb: &Answer) -> CredentialsStatus {
    let rotation = rotation::sentence(credentials);

    CredentialsStatus {
        token_keys_generation: credentials.token_keys.generation,
        passwords_generation: credentials.passwords.generation,
        rotation: rotation.map(|sentence| match (&credentials.passwords_stage, mongodb) {
            (
                PasswordsStage::Learning { .. } | PasswordsStage::Moving { .. },
                Answer::Silent(reason),
            ) => format!("{sentence}; {reason}"),
            _ => sentence,
        }),
    }
}

/// The state of every component after a pass.
pub fn observe(found: &Found, findings: &Findings, mongodb_is_set_up: bool) -> Observed {
    let before = found.platform.status.clone().unwrap_or_default();
    // What was said of another generation is no measure for this one.
    let is_same_generation = before.observed_generation == found.platform.metadata.generation;
    let part = |component| {
        let before = before
            .components
            .iter()
            .find(|before| is_same_generation && before.name == component);
        let part = match found.workload(component) {
            Some(workload) => Part::of(component, &workload, before),
            None => {
                let desired = findings
                    .wanted
                    .as_ref()
                    .map_or(0, |wanted| wanted.replicas(component));
                Part::absent(
                    component,
                    desired,
                    &awaited(component, |other| found.is_up(other, mongodb_is_set_up)),
                )
            }
        };
        let cause = findings
            .clues
            .as_ref()
            .and_then(|clues| cause(component, found, clues));
        let part = match cause {
            Some(cause) => part.held_up_by(&cause, before),
            None => part,
        };
        with_answer(part, findings)
    };

    Observed {
        parts: found.platform.spec.components().map(part).collect(),
        obstacle: findings.failure.as_ref().map(Error::obstacle),
        credentials: findings.credentials.clone(),
    }
}

/// A platform that is being deleted: none of it is looked at, and none of it is kept.
pub fn observe_deletion(platform: &SocialPlatform) -> Observed {
    let finalizers = platform.metadata.finalizers.as_deref().unwrap_or_default();
    let message = match finalizers {
        [] => "the platform is being deleted".to_owned(),
        held => format!(
            "the platform is being deleted, which waits for what its finalizers stand for: {}",
            held.join(", ")
        ),
    };

    Observed {
        parts: platform.spec.components().map(Part::going).collect(),
        obstacle: Some(Obstacle {
            reason: Reason::Deleting,
            message,
        }),
        credentials: None,
    }
}

/// Pods that are ready are not all there is to MongoDB and the gateway.
fn with_answer(part: Part, findings: &Findings) -> Part {
    if !part.is_ready() {
        return part;
    }
    if let Some(first) = findings.held_back.get(&part.component) {
        return Part {
            reason: Reason::WaitingForUpgrade,
            message: format!("keeps its version until {first} has the new one and is ready"),
            ..part
        };
    }

    let (reason, message) = match (part.component, &findings.mongodb, &findings.gateway) {
        (Component::MongoDb, Answer::Awaited(message), _) => (Reason::SettingUpMongoDb, message),
        (Component::MongoDb, Answer::Refused(message), _) => (Reason::MongoDbSetUpFailed, message),
        (Component::Gateway, _, Answer::Awaited(message) | Answer::Refused(message)) => {
            (Reason::GatewayNotAnswering, message)
        }
        _ => return part,
    };

    Part {
        reason,
        message: message.clone(),
        ..part
    }
}

#[cfg(test)]
mod tests {
    use operator_api::SocialPlatformSpec;

    use super::*;
    use crate::observed::samples;

    #[test]
    fn ready_pods_do_not_make_mongodb_or_the_gateway_ready() {
        let findings = Findings {
            mongodb: Answer::Refused("MongoDB refused".to_owned()),
            gateway: Answer::Awaited("no answer".to_owned()),
            ..Findings::default()
        };
        let reason =
            |component| with_answer(samples::part(component, Reason::Ready), &findings).reason;

        assert_eq!(reason(Component::MongoDb), Reason::MongoDbSetUpFailed);
        assert_eq!(reason(Component::Gateway), Reason::GatewayNotAnswering);
        assert_eq!(reason(Component::Redis), Reason::Ready);
    }

    #[test]
    fn pods_that_are_not_ready_are_what_is_told() {
        let findings = Findings {
            mongodb: Answer::Awaited("no primary".to_owned()),
            ..Findings::default()
        };
        let part = samples::part(Component::MongoDb, Reason::Starting);

        assert_eq!(with_answer(part.clone(), &findings), part);
    }

    #[test]
    fn a_platform_that_is_deleted_says_what_it_waits_for() {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.finalizers = Some(vec!["foregroundDeletion".to_owned()]);
        let observed = observe_deletion(&platform);

        assert_eq!(
            observed.obstacle,
            Some(Obstacle {
                reason: Reason::Deleting,
                message:
                    "the platform is being deleted, which waits for what its finalizers stand for: \
                          foregroundDeletion"
                        .to_owned(),
            })
        );
        assert_eq!(observed.count_ready(), 0);
    }

    #[test]
    fn what_no_watch_tells_of_is_asked_for() {
        let starting = samples::observed(&[(Component::Redis, Reason::Starting)]);
        let next = |findings: Findings| findings.next(&starting, false);

        assert_eq!(next(Findings::default()), Next::Look);
        assert_eq!(
            next(Findings {
                mongodb: Answer::Awaited(String::new()),
                ..Findings::default()
            }),
            Next::Poll
        );
        assert_eq!(
            next(Findings {
                gateway: Answer::Awaited(String::new()),
                ..Findings::default()
            }),
            Next::Poll
        );
        assert_eq!(
            next(Findings {
                mongodb: Answer::Good { is_news: true },
                ..Findings::default()
            }),
            Next::AtOnce
        );
        assert_eq!(
            next(Findings {
                mongodb: Answer::Good { is_news: false },
                ..Findings::default()
            }),
            Next::Look
        );
        for unwatched in [Reason::WaitingForDeletion, Reason::SecretMissing] {
            assert_eq!(
                Findings::default().next(&samples::stopped_by(unwatched), false),
                Next::Poll
            );
        }
        assert_eq!(
            Findings::default().next(&samples::stopped_by(Reason::ObjectNotOurs), false),
            Next::Wait
        );
        assert_eq!(
            Findings::default().next(&samples::observed(&[]), true),
            Next::Rest
        );
    }

    #[test]
    fn a_replacement_of_passwords_or_keys_goes_on_by_itself() {
        let soon = Duration::from_secs(5);
        for (rotation, expected) in [
            (Rotation::None, Next::Rest),
            (Rotation::Stepped, Next::AtOnce),
            (Rotation::Waits, Next::RestFor(LOOK_AGAIN)),
            (Rotation::DueIn(soon), Next::RestFor(soon)),
        ] {
            let findings = Findings {
                rotation,
                ..Findings::default()
            };

            assert_eq!(findings.next(&samples::observed(&[]), true), expected);
        }
    }
}
