//! One pass over one platform: read, check, render, apply, report.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use operator_api::Component;
use operator_api::names::mongodb_member;
use operator_render::{
    CredentialSource, Credentials, Defaults, Passwords, PasswordsStage, UserSecrets,
    ValidatedPlatform, render, validate,
};
use tracing::{debug, info};

use crate::apply::apply;
use crate::clues::clues;
use crate::credentials::{credentials, keep};
use crate::dereference::{Found, dereference, platform};
use crate::error::Error;
use crate::events::{Events, Notice};
use crate::findings::{Answer, Findings, Rotation, in_force, observe, observe_deletion};
use crate::memory::{Mark, Memory, mark};
use crate::mongodb::{self, Progress, Users};
use crate::probe;
use crate::retention::retain;
use crate::rotation::{self, Seen};
use crate::status::update_status;
use crate::upgrade::{self, held_back};
use crate::watch::PlatformName;

/// A pass that takes longer is given up; what it did is done, and the next one goes on from there.
/// Shorter than the time a pod is given to end, so that a pass is never cut off by the end of the process.
const PASS_TIMEOUT: Duration = Duration::from_secs(20);

/// What every pass needs; the same for all platforms.
pub struct Context {
    pub client: Client,
    pub events: Events,
    pub defaults: Defaults,
    /// Whether the default version is meant for platforms too that run another.
    pub moves_versions: bool,
    /// How long MongoDB is taken to know its users without being asked.
    pub resync: Duration,
}

impl Context {
    /// A platform that names no version keeps the one it has, so that a new operator alone restarts nothing; unless whoever
    /// installed the operator said which version such platforms have.
    fn defaults_of(&self, found: &Found) -> Defaults {
        let version = if self.moves_versions {
            None
        } else {
            upgrade::version(found)
        };

        Defaults {
            version: version.unwrap_or_else(|| self.defaults.version.clone()),
        }
    }
}

/// When to look again, should no watch tell of a change before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Never: there is no platform.
    Gone,
    /// This pass made possible what the next one does.
    AtOnce,
    /// Something is awaited that no watch tells of.
    Poll,
    /// Pods are awaited. A watch tells when they are ready, and none of why they are not.
    Look,
    /// A person is awaited; a watch tells of most of it.
    Wait,
    /// The platform is ready.
    Rest,
    /// The platform is ready, and something is to be done after this time.
    RestFor(Duration),
}

impl Next {
    pub fn is_rest(self) -> bool {
        matches!(self, Self::Rest | Self::RestFor(_))
    }
}

/// Brings a platform as far as it goes for the moment. Whatever ends a pass, the next one goes on from there.
pub async fn reconcile(
    context: &Context,
    name: &PlatformName,
    memory: &mut Memory,
) -> Result<Next, Error> {
    let Some(mut found) = platform(&context.client, name).await? else {
        return Ok(Next::Gone);
    };
    memory.is_about(&found.platform);
    if found.is_going() {
        report_deletion(context, &found).await?;
        return Ok(Next::Gone);
    }

    let mut findings = Findings::default();
    let pass = advance(context, name, &mut found, memory, &mut findings);
    findings.failure = tokio::time::timeout(PASS_TIMEOUT, pass)
        .await
        .unwrap_or(Err(Error::TimedOut(PASS_TIMEOUT.as_secs())))
        .err();
    match clues(&context.client, &found).await {
        Ok(clues) => findings.clues = Some(clues),
        Err(error) => {
            findings.failure.get_or_insert(error);
        }
    }

    let observed = observe(&found, &findings, memory.mongodb_is_set_up());
    let is_ready = update_status(context, &found, &observed, findings.version(&found)).await?;

    match findings
        .failure
        .take_if(|failure| failure.counted_as().is_some())
    {
        Some(failure) => Err(failure),
        None => Ok(findings.next(&observed, is_ready)),
    }
}

/// What an owner sees for whom the deletion takes long: that it goes on, and what it waits for.
async fn report_deletion(context: &Context, found: &Found) -> Result<(), Error> {
    let observed = observe_deletion(&found.platform);
    match update_status(context, found, &observed, None).await {
        // It has gone meanwhile.
        Err(Error::Api { source, .. }) if source.is_not_found() => Ok(()),
        written => written.map(|_| ()),
    }
}

/// The steps that change something. What they learn goes into `findings`, however far they come.
async fn advance(
    context: &Context,
    name: &PlatformName,
    found: &mut Found,
    memory: &mut Memory,
    findings: &mut Findings,
) -> Result<(), Error> {
    found.can_be_read()?;
    dereference(&context.client, name, found).await?;
    let wanted = findings
        .wanted
        .insert(validate(&found.platform, &context.defaults_of(found))?);
    found.belongs_to_the_platform()?;
    found.may_be_changed()?;
    let given = UserSecrets::read(wanted, &found.user_secrets)?;
    let credentials = credentials(context, wanted, found).await?;
    findings.credentials = Some(in_force(&credentials, &Answer::NotAsked));
    retain(&context.client, found, wanted).await?;
    let objects = render(wanted, &credentials, &given);
    let applied = apply(&context.client, found, objects, memory).await;
    findings.held_back = held_back(found, wanted.version());
    findings.mongodb = set_up_mongodb(context, wanted, found, &credentials, memory).await;
    findings.credentials = Some(in_force(&credentials, &findings.mongodb));
    findings.gateway = ask_the_gateway(wanted, found, &findings.mongodb).await;
    applied?;
    let (rotation, credentials) = rotate(
        context,
        wanted,
        found,
        credentials,
        memory,
        &findings.held_back,
    )
    .await?;
    findings.rotation = rotation;
    findings.credentials = Some(in_force(&credentials, &findings.mongodb));

    Ok(())
}

/// Makes the next step of a replacement of passwords or keys, if it is time for one.
async fn rotate(
    context: &Context,
    platform: &ValidatedPlatform,
    found: &Found,
    credentials: Credentials,
    memory: &Memory,
    held_back: &BTreeMap<Component, Component>,
) -> Result<(Rotation, Credentials), Error> {
    let CredentialSource::Generated(generations) = platform.credential_source() else {
        return Ok((Rotation::None, credentials));
    };
    // Nothing is told to a store of the user's own, and what is held back was not given what it is to use.
    let is_external = |store| !found.platform.spec.runs(store);
    let runs = |component: Component| {
        is_external(component)
            || (found.is_rolled_out(component) && !held_back.contains_key(&component))
    };
    let mongodb_knows = is_external(Component::MongoDb)
        || memory.mongodb_knows(mongodb_mark(&credentials), context.resync);
    let seen = Seen {
        stores_know: mongodb_knows && runs(Component::Redis) && runs(Component::RabbitMq),
        services_run: Component::ALL
            .into_iter()
            .filter(|component| !component.is_store())
            .all(runs),
        identity_runs: runs(Component::Identity),
        access_token_ttl_seconds: platform.access_token_ttl_seconds().into(),
        now: Timestamp::now(),
    };
    let after = rotation::advanced(&credentials, *generations, &seen)
        .map_err(|_unspecified| Error::Randomness)?;

    let Some(after) = after else {
        let rotation = match rotation::due(&credentials) {
            Some(due) => Rotation::DueIn(due.duration_since(seen.now).unsigned_abs()),
            None if rotation::sentence(&credentials).is_some() => Rotation::Waits,
            None => Rotation::None,
        };
        return Ok((rotation, credentials));
    };
    if !keep(context, platform, found, &credentials, &after).await? {
        return Ok((Rotation::Stepped, credentials));
    }
    let sentence = rotation::sentence(&after);
    info!(rotation = sentence, "made a step of a rotation");
    let notice = Notice::rotating(sentence.as_deref());
    context.events.publish(&found.platform, notice).await;

    Ok((Rotation::Stepped, after))
}

/// Asked once its pod is ready, and again after a while, after the pod was not ready, and for other credentials.
///
/// The passwords go to the pod behind a name that [`Found::belongs_to_the_platform`] found to be ours.
async fn set_up_mongodb(
    context: &Context,
    platform: &ValidatedPlatform,
    found: &Found,
    credentials: &Credentials,
    memory: &mut Memory,
) -> Answer {
    if !found.platform.spec.runs(Component::MongoDb) {
        return Answer::Good { is_news: false };
    }
    if !found.is_rolled_out(Component::MongoDb) {
        memory.forget_mongodb();
        return Answer::NotAsked;
    }
    let credentials_mark = mongodb_mark(credentials);
    if memory.mongodb_knows(credentials_mark, context.resync) {
        return Answer::Good { is_news: false };
    }

    let address = mongodb_member(platform.namespace(), platform.name());
    let users = mongodb_users(credentials);
    // A status that says `Ready` was written when MongoDB was set up, if not by this process.
    let is_news = !memory.mongodb_is_set_up() && !found.is_known_to_be_ready();
    match mongodb::set_up(&address, &credentials.mongodb_keyfile, &users).await {
        Ok(Progress::Done) => {
            memory.has_set_up_mongodb(credentials_mark);
            Answer::Good { is_news }
        }
        Ok(progress) => {
            if progress == Progress::Initiated {
                context
                    .events
                    .publish(&found.platform, Notice::mongodb_initiated())
                    .await;
            }
            Answer::Awaited("waiting for its replica set to elect a primary".to_owned())
        }
        Err(error) => {
            debug!(
                error = &error as &dyn std::error::Error,
                "MongoDB is not set up"
            );
            match error {
                mongodb::Error::Unreachable(_) | mongodb::Error::TimedOut if !is_news => {
                    Answer::Silent(error.to_string())
                }
                mongodb::Error::Unreachable(_) | mongodb::Error::TimedOut => {
                    Answer::Awaited(error.to_string())
                }
                _ => Answer::Refused(error.to_string()),
            }
        }
    }
}

/// Everybody MongoDB is to know. Who it is to forget is no question before a replacement has ended.
fn mongodb_users(credentials: &Credentials) -> Users<'_> {
    Users {
        known: credentials
            .known_passwords()
            .flat_map(Passwords::mongodb_users)
            .collect(),
        outdated_before: (credentials.passwords_stage == PasswordsStage::Settled)
            .then_some(credentials.passwords.generation),
    }
}

/// What MongoDB has to have been told.
fn mongodb_mark(credentials: &Credentials) -> Mark {
    let Users {
        known,
        outdated_before,
    } = mongodb_users(credentials);
    let users = known
        .into_iter()
        .map(|user| (user.name, user.password))
        .collect::<Vec<_>>();

    mark(&(&credentials.mongodb_keyfile, users, outdated_before))
}

/// Asked when all else is ready, until it has answered for this generation: from then on its pods' own probes tell.
async fn ask_the_gateway(platform: &ValidatedPlatform, found: &Found, mongodb: &Answer) -> Answer {
    if !mongodb.is_good()
        || !found
            .platform
            .spec
            .components()
            .all(|component| found.is_rolled_out(component))
    {
        return Answer::NotAsked;
    }
    if found.is_known_to_be_ready() {
        return Answer::Good { is_news: false };
    }

    match probe::first_request(&platform.url()).await {
        Ok(()) => Answer::Good { is_news: true },
        Err(error) => {
            debug!(
                error = &error as &dyn std::error::Error,
                "the gateway does not answer"
            );
            Answer::Awaited(error.to_string())
        }
    }
}
