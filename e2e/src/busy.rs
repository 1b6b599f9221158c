//! People who use a platform all the time, so that a test sees whether anybody notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::PublicApi;
use crate::client::Session;

const PEOPLE: usize = 4;
const PASSWORD: &str = "correct horse battery staple";

/// Some people, until they are told to stop.
pub struct Busy {
    stop: Stop,
    people: JoinSet<Result<usize>>,
}

/// Tells people when it is over.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Busy {
    /// Everybody registers first. What each does from then on counts the requests that were served.
    pub async fn start<F>(
        api: &PublicApi,
        what: impl Fn(PublicApi, Session, Stop) -> F,
    ) -> Result<Self>
    where
        F: Future<Output = Result<usize>> + Send + 'static,
    {
        let stop = Stop::default();
        let mut people = JoinSet::new();
        for person in 0..PEOPLE {
            let name = format!("busy{person}x{}", jiff::Timestamp::now().as_millisecond());
            let email = format!("{name}@example.com");
            let account = api.register(&name, &email, PASSWORD).await?.expect(201)?;
            let session: Session = account.json()?;
            people.spawn(what(api.clone(), session, stop.clone()));
        }

        Ok(Self { stop, people })
    }

    /// How many requests were served. One that failed fails the test.
    pub async fn stop(mut self) -> Result<usize> {
        self.stop.0.store(true, Ordering::Relaxed);
        let mut served = 0;
        while let Some(person) = self.people.join_next().await {
            served += person??;
        }
        ensure!(served > 0, "nobody was served");

        Ok(served)
    }
}
