//! Sets MongoDB up over the network: the replica set of one member, then the users of each service.
//!
//! Every step asks before it acts, so a set-up that was cut short anywhere is completed by the next one, and one
//! that is complete changes nothing. The operator speaks as `__system`, the identity of the key file, which needs
//! neither a shell in the image nor an unauthenticated moment.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{AuthMechanism, ClientOptions, Credential, ServerAddress};
use mongodb::{Client, Database};
use operator_api::names::REPLICA_SET;
use operator_render::MongoDbUser;
use tracing::{debug, info};

use crate::apply::FIELD_MANAGER;

/// How long one attempt may take; the next one is a second later.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long MongoDB may take to make a user durable.
const WRITE_TIMEOUT_MS: i32 = 5_000;

/// MongoDB's code for a set that has its configuration already.
const ALREADY_INITIALIZED: i32 = 23;

/// The key of a user's own data that says the user is one of ours, and with which password.
const PASSWORD_MARK: &str = "passwordMark";

/// Who is to be known, each with the database of one service to read and write, and nothing else.
#[derive(Clone)]
pub struct Users<'a> {
    pub known: Vec<MongoDbUser<'a>>,
    /// Users of ours of an older generation of passwords are removed. Never of a newer one: whoever takes an old Secret
    /// for the current one must not lock anybody out.
    pub outdated_before: Option<i32>,
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// This attempt made the replica set; it has no primary yet.
    Initiated,
    /// The replica set is known and has no primary yet.
    Electing,
    /// The primary knows every user with its current password.
    Done,
}

/// What stops an attempt. `Display` never varies from one attempt to the next, because it is shown in the status;
/// the source may.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("MongoDB's set-up did not end within {} s", ATTEMPT_TIMEOUT.as_secs())]
    TimedOut,

    #[error("{0} is no address of a MongoDB member")]
    Address(String, #[source] mongodb::error::Error),

    #[error("MongoDB cannot be reached")]
    Unreachable(#[source] mongodb::error::Error),

    #[error("MongoDB refused the identity of its key file")]
    Identity(#[source] mongodb::error::Error),

    #[error("MongoDB refused to {doing}{}", code_name(.source))]
    Refused {
        doing: &'static str,
        #[source]
        source: mongodb::error::Error,
    },
}

/// Brings the member at `address` (`host:port`) one attempt further.
///
/// The address must be that of an object the caller controls: the password of every user goes there.
pub async fn set_up(address: &str, keyfile: &str, users: &Users<'_>) -> Result<Progress, Error> {
    let client = connect(address, keyfile)?;
    let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, advance(&client, address, users)).await;
    client.shutdown().immediate(true).await;

    attempt.map_err(|_elapsed| Error::TimedOut)?
}

fn connect(address: &str, keyfile: &str) -> Result<Client, Error> {
    let bad_address = |error| Error::Address(address.to_owned(), error);
    let host = ServerAddress::parse(address).map_err(bad_address)?;
    let identity = Credential::builder()
        .username("__system".to_owned())
        .source("local".to_owned())
        .mechanism(AuthMechanism::ScramSha256)
        .password(keyfile.to_owned())
        .build();
    let options = ClientOptions::builder()
        .hosts(vec![host])
        .app_name(FIELD_MANAGER.to_owned())
        // A member without a replica set is found by its address alone.
        .direct_connection(true)
        .credential(identity)
        .connect_timeout(CONNECT_TIMEOUT)
        .server_selection_timeout(CONNECT_TIMEOUT)
        .max_pool_size(1)
        .build();

    Client::with_options(options).map_err(bad_address)
}

async fn advance(client: &Client, address: &str, users: &Users<'_>) -> Result<Progress, Error> {
    let admin = client.database("admin");
    let hello = run(&admin, "say what it is", doc! {"hello": 1}).await?;

    if hello.get_bool("isWritablePrimary").unwrap_or(false) {
        for user in &users.known {
            let database = client.database(user.service.as_str());
            ensure_user(&database, user).await?;
            if let Some(generation) = users.outdated_before {
                remove_outdated(&database, generation).await?;
            }
        }
        return Ok(Progress::Done);
    }
    if hello.contains_key("setName") {
        return Ok(Progress::Electing);
    }

    initiate(&admin, address).await
}

async fn initiate(admin: &Database, address: &str) -> Result<Progress, Error> {
    let configuration = doc! {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}]};

    match run(
        admin,
        "start its replica set",
        doc! {"replSetInitiate": configuration},
    )
    .await
    {
        Ok(_) => {
            info!(mongodb.member = address, "started the replica set");
            Ok(Progress::Initiated)
        }
        // A member that is only just reading its configuration looks like one that has none.
        Err(Error::Refused { source, .. }) if code(&source) == Some(ALREADY_INITIALIZED) => {
            Ok(Progress::Electing)
        }
        Err(error) => Err(error),
    }
}

async fn ensure_user(database: &Database, user: &MongoDbUser<'_>) -> Result<(), Error> {
    let found = run(database, "name its users", doc! {"usersInfo": &user.name}).await?;
    let known = found
        .get_array("users")
        .ok()
        .and_then(|users| users.first())
        .and_then(|user| user.as_document());
    let wanted = doc! {
        "roles": [{"role": "readWrite", "db": database.name()}],
        // A password cannot be read back. Its mark can, and tells whether the password is this one.
        "customData": {PASSWORD_MARK: password_mark(user)},
    };

    let (verb, doing) = match known {
        Some(known)
            if wanted
                .iter()
                .all(|(field, value)| known.get(field) == Some(value)) =>
        {
            return Ok(());
        }
        Some(_) => ("updateUser", "change a user"),
        None => ("createUser", "create a user"),
    };
    let mut command =
        doc! {verb: &user.name, "pwd": user.password, "mechanisms": ["SCRAM-SHA-256"]};
    command.extend(wanted);
    command.insert(
        "writeConcern",
        doc! {"w": "majority", "wtimeout": WRITE_TIMEOUT_MS},
    );
    run(database, doing, command).await?;
    info!(
        mongodb.user = user.name,
        mongodb.command = verb,
        "set up a service's user"
    );

    Ok(())
}

/// Removes the users we made for passwords of a generation before `generation`.
async fn remove_outdated(database: &Database, generation: i32) -> Result<(), Error> {
    let found = run(database, "name its users", doc! {"usersInfo": 1}).await?;
    let users = found
        .get_array("users")
        .map(Vec::as_slice)
        .unwrap_or_default();
    let is_ours = |user: &&Document| {
        user.get_document("customData")
            .is_ok_and(|custom| custom.contains_key(PASSWORD_MARK))
    };
    let outdated = users
        .iter()
        .filter_map(|user| user.as_document())
        .filter(is_ours)
        .filter_map(|user| user.get_str("user").ok())
        .filter(|name| generation_of(database.name(), name).is_some_and(|of| of < generation));

    for name in outdated {
        let write_concern = doc! {"w": "majority", "wtimeout": WRITE_TIMEOUT_MS};
        let command = doc! {"dropUser": name, "writeConcern": write_concern};
        run(database, "remove a user", command).await?;
        info!(mongodb.user = name, "removed a user of old passwords");
    }

    Ok(())
}

/// The generation of passwords that a service's user is of, by its name.
fn generation_of(service: &str, user: &str) -> Option<i32> {
    match user.strip_prefix(service)? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

/// A digest of a password of 192 random bits, which tells nothing about it.
fn password_mark(user: &MongoDbUser<'_>) -> String {
    let text = format!("{}\0{}", user.name, user.password);

    hex::encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

async fn run(
    database: &Database,
    doing: &'static str,
    command: Document,
) -> Result<Document, Error> {
    database.run_command(command).await.map_err(|source| {
        debug!(
            error = &source as &dyn std::error::Error,
            "MongoDB failed to {doing}"
        );
        match *source.kind {
            ErrorKind::Command(_) | ErrorKind::Write(_) => Error::Refused { doing, source },
            ErrorKind::Authentication { .. } => Error::Identity(source),
            _ => Error::Unreachable(source),
        }
    })
}

fn code(error: &mongodb::error::Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        _ => None,
    }
}

/// MongoDB's own word for a refusal; its message may name hosts and times.
fn code_name(error: &mongodb::error::Error) -> String {
    match &*error.kind {
        ErrorKind::Command(error) if !error.code_name.is_empty() => {
            format!(" ({})", error.code_name)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use operator_api::Component;

    use super::*;

    #[test]
    fn a_mark_tells_passwords_and_users_apart() {
        let user = |name: &str, password| {
            password_mark(&MongoDbUser {
                service: Component::Post,
                name: name.to_owned(),
                password,
            })
        };

        assert_eq!(user("post", "a"), user("post", "a"));
        assert_ne!(user("post", "a"), user("post", "b"));
        assert_ne!(user("post", "a"), user("media", "a"));
    }

    #[test]
    fn a_users_name_says_its_generation() {
        for (user, generation) in [
            ("post", Some(1)),
            ("post-2", Some(2)),
            ("post-17", Some(17)),
            ("post-x", None),
            ("poster", None),
            ("media", None),
        ] {
            assert_eq!(generation_of("post", user), generation, "{user}");
        }
    }

    #[tokio::test]
    async fn a_member_that_is_away_is_told_in_one_sentence() {
        let nobody = Users {
            known: Vec::new(),
            outdated_before: None,
        };

        let error = set_up("127.0.0.1:1", "secretsecret", &nobody)
            .await
            .unwrap_err();

        assert_eq!(error.to_string(), "MongoDB cannot be reached");
    }
}
