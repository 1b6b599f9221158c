//! How passwords and token keys are replaced: one step at a time, each a function of what the credentials Secret says,
//! what was seen to run, and the time.
//!
//! The Secret alone says how far a replacement is, so one that was cut short anywhere is gone on with from there. Old
//! and new work side by side from the first step to the last.

use aws_lc_rs::error::Unspecified;
use k8s_openapi::jiff::Timestamp;
use operator_render::{Credentials, GRACE_SECONDS, Generations, PasswordsStage, TokenKeysStage};

use crate::keys;

/// How long a new public key is made known before it signs anything. A kubelet brings a changed file to its pods within
/// 90 s, services look at it every 5 s, and whoever asked the gateway for the keys may keep the answer for 300 s.
const ANNOUNCED_SECONDS: i64 = 420;

/// How much longer the old public key is known than the last token it signed: a pod of identity that is ending may
/// still sign, and clocks differ.
const SIGNED_LATER_SECONDS: i64 = GRACE_SECONDS + 80;

/// How long the old passwords are known once every pod of the new ones is ready: so long may a pod from before need to
/// end.
const LEAVING_SECONDS: i64 = GRACE_SECONDS + 20;

/// The longest an access token may be good for, as the resource bounds it.
const LONGEST_TTL_SECONDS: i64 = 86_400;

/// What was seen to be so with the credentials as they are, in the pass that asks for the next step and has applied all
/// that follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// MongoDB knows every user; Redis and RabbitMQ run with what they are to know.
    pub stores_know: bool,
    /// Every service runs with what it is to use.
    pub services_run: bool,
    /// Identity does.
    pub identity_runs: bool,
    pub access_token_ttl_seconds: i64,
    pub now: Timestamp,
}

/// The credentials one step further, if it is time for a step.
pub fn advanced(
    credentials: &Credentials,
    wanted: Generations,
    seen: &Seen,
) -> Result<Option<Credentials>, Unspecified> {
    let mut next = credentials.clone();
    advance_token_keys(&mut next, wanted.token_keys, seen)?;
    advance_passwords(&mut next, wanted.passwords, seen)?;

    Ok((next != *credentials).then_some(next))
}

/// When the next step is due, if only time has to pass.
pub fn due(credentials: &Credentials) -> Option<Timestamp> {
    let token_keys = match &credentials.token_keys_stage {
        TokenKeysStage::Announced { until, .. } => *until,
        TokenKeysStage::Retiring { until, .. } => Some(*until),
        TokenKeysStage::Settled | TokenKeysStage::Switching { .. } => None,
    };
    let passwords = match &credentials.passwords_stage {
        PasswordsStage::Leaving { until, .. } => Some(*until),
        PasswordsStage::Settled
        | PasswordsStage::Learning { .. }
        | PasswordsStage::Moving { .. } => None,
    };

    token_keys.into_iter().chain(passwords).min()
}

/// What is being replaced and waited for, in words that stay the same from one step to the next.
pub fn sentence(credentials: &Credentials) -> Option<String> {
    let generation = credentials.token_keys.generation;
    let token_keys = match &credentials.token_keys_stage {
        TokenKeysStage::Settled => None,
        TokenKeysStage::Announced { next, until: None } => Some(format!(
            "token keys {}: the new public key is published",
            next.generation
        )),
        TokenKeysStage::Announced {
            next,
            until: Some(until),
        } => Some(format!(
            "token keys {}: the new public key is made known, and signs from {until} on",
            next.generation
        )),
        TokenKeysStage::Switching { .. } => Some(format!(
            "token keys {generation}: identity's pods are given the new key"
        )),
        TokenKeysStage::Retiring { until, .. } => Some(format!(
            "token keys {generation}: tokens signed with the old key are taken until {until}"
        )),
    };
    let generation = credentials.passwords.generation;
    let passwords = match &credentials.passwords_stage {
        PasswordsStage::Settled => None,
        PasswordsStage::Learning { next } => Some(format!(
            "passwords {}: the stores are told of the new passwords",
            next.generation
        )),
        PasswordsStage::Moving { .. } => Some(format!(
            "passwords {generation}: the services are given the new passwords"
        )),
        PasswordsStage::Leaving { until, .. } => Some(format!(
            "passwords {generation}: the stores take the old passwords until {until}"
        )),
    };

    let sentences = token_keys.into_iter().chain(passwords).collect::<Vec<_>>();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

fn advance_token_keys(
    credentials: &mut Credentials,
    wanted: i32,
    seen: &Seen,
) -> Result<(), Unspecified> {
    let keys = &mut credentials.token_keys;
    let stage = &mut credentials.token_keys_stage;
    match stage {
        TokenKeysStage::Settled if keys.generation < wanted => {
            *stage = TokenKeysStage::Announced {
                next: keys::token_keys(wanted)?,
                until: None,
            };
        }
        TokenKeysStage::Settled => {}
        // It has just been published, if not before: nobody asks for a step before everything is applied.
        TokenKeysStage::Announced {
            until: until @ None,
            ..
        } => *until = Some(seen.after(ANNOUNCED_SECONDS)),
        TokenKeysStage::Announced {
            next,
            until: Some(until),
        } => {
            if seen.is_past(until, ANNOUNCED_SECONDS) {
                let last = std::mem::replace(keys, next.clone());
                *stage = TokenKeysStage::Switching {
                    last_jwks: last.jwks,
                };
            }
        }
        TokenKeysStage::Switching { last_jwks } => {
            if seen.identity_runs {
                let last_jwks = std::mem::take(last_jwks);
                let until = seen.after(seen.access_token_ttl_seconds + SIGNED_LATER_SECONDS);
                *stage = TokenKeysStage::Retiring { last_jwks, until };
            }
        }
        TokenKeysStage::Retiring { until, .. } => {
            if seen.is_past(until, LONGEST_TTL_SECONDS + SIGNED_LATER_SECONDS) {
                *stage = TokenKeysStage::Settled;
            }
        }
    }

    Ok(())
}

fn advance_passwords(
    credentials: &mut Credentials,
    wanted: i32,
    seen: &Seen,
) -> Result<(), Unspecified> {
    let passwords = &mut credentials.passwords;
    let stage = &mut credentials.passwords_stage;
    match stage {
        PasswordsStage::Settled if passwords.generation < wanted => {
            let next = keys::passwords(wanted, passwords.rabbitmq.user.other())?;
            *stage = PasswordsStage::Learning {
                next: Box::new(next),
            };
        }
        PasswordsStage::Settled => {}
        PasswordsStage::Learning { next } => {
            if seen.stores_know {
                let last = std::mem::replace(passwords, (**next).clone());
                *stage = PasswordsStage::Moving {
                    last: Box::new(last),
                };
            }
        }
        PasswordsStage::Moving { last } => {
            if seen.services_run && seen.stores_know {
                *stage = PasswordsStage::Leaving {
                    last: last.clone(),
                    until: seen.after(LEAVING_SECONDS),
                };
            }
        }
        PasswordsStage::Leaving { until, .. } => {
            if seen.is_past(until, LEAVING_SECONDS) {
                *stage = PasswordsStage::Settled;
            }
        }
    }

    Ok(())
}

impl Seen {
    /// Whole seconds, as they are kept and shown.
    fn after(&self, seconds: i64) -> Timestamp {
        Timestamp::from_second(self.now.as_second() + seconds).unwrap_or(self.now)
    }

    /// A time that is further away than it can have been set was set by a clock that was wrong, and is set anew.
    fn is_past(&self, until: &mut Timestamp, at_most: i64) -> bool {
        *until = (*until).min(self.after(at_most));

        *until <= self.now
    }
}

#[cfg(test)]
mod tests;
